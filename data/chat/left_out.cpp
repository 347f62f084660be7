#include "data/chat/left_out.h"

#include <algorithm>
#include <cctype>
#include <map>

namespace caravan::data {
namespace {

// The name of {"function": {"name"}} or {"name"}; empty where it cannot be looked for letter by letter.
std::string_view name_of_call(const Json& call) {
  const auto field = [](const Json& object, const char* key) -> const Json* {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(key);
    return found == object.end() ? nullptr : &*found;
  };
  const Json* function = field(call, "function");
  const Json* name = field(function != nullptr ? *function : call, "name");
  if (name == nullptr || !name->is_string()) return {};
  const std::string_view text = name->get_ref<const std::string&>();
  const bool plain = std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
  });
  return plain ? text : std::string_view();
}

std::size_t count(std::string_view text, std::string_view name) {
  std::size_t found = 0;
  for (std::size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + name.size()))
    ++found;
  return found;
}

// More names than a conversation has tools are not looked for one by one.
constexpr std::size_t kMaxNames = 64;

bool holds_all(std::string_view written, const Json& calls) {
  if (written.empty()) return false;
  std::map<std::string_view, std::size_t> wanted;
  for (const Json& call : calls) {
    const std::string_view name = name_of_call(call);
    if (!name.empty() && (wanted.size() < kMaxNames || wanted.contains(name))) ++wanted[name];
  }
  return std::all_of(wanted.begin(), wanted.end(),
                     [&](const auto& call) { return count(written, call.first) >= call.second; });
}

}  // namespace

void find_left_out(const LeftOutInput& input, Rendered& rendered) {
  rendered.lost_tools = input.has_tools;
  if (input.tool_calls.empty() && !input.has_tools) return;
  std::vector<std::string> written(input.tool_calls.size());
  std::size_t at = 0;
  for (const jinja::Run& run : input.runs) {
    if (run.size == 0) continue;
    const std::string_view piece = input.text.substr(at, run.size);
    at += run.size;
    if (run.origin == jinja::kToolsOrigin) rendered.lost_tools = false;
    if (!jinja::is_calls(run.origin)) continue;
    const std::size_t message = jinja::message_of(run.origin);
    if (message < written.size()) written[message] += piece;
  }
  for (std::size_t i = 0; i < written.size(); ++i) {
    const Json* calls = input.tool_calls[i];
    if (calls != nullptr && !holds_all(written[i], *calls)) rendered.lost_calls.push_back(i);
  }
}

}  // namespace caravan::data
