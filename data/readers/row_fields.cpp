// Parts that several layouts share: texts, tools, the order of roles.
#include <algorithm>

#include "data/readers/row_layouts.h"

namespace caravan::data {
using Type = JsonValue::Type;

std::size_t space_length(std::string_view text) {
  const auto byte = [&text](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned first = byte(0);
  if (first == ' ' || (first >= 0x09 && first <= 0x0D) || (first >= 0x1C && first <= 0x1F)) return 1;
  if (first == 0xC2 && (byte(1) == 0x85 || byte(1) == 0xA0)) return 2;
  if (first == 0xE1 && byte(1) == 0x9A && byte(2) == 0x80) return 3;
  if (first == 0xE3 && byte(1) == 0x80 && byte(2) == 0x80) return 3;
  if (first != 0xE2) return 0;
  const bool general = byte(1) == 0x80 && ((byte(2) >= 0x80 && byte(2) <= 0x8A) || byte(2) == 0xA8 ||
                                           byte(2) == 0xA9 || byte(2) == 0xAF);
  return general || (byte(1) == 0x81 && byte(2) == 0x9F) ? 3 : 0;
}

bool is_blank(std::string_view utf8) {
  while (!utf8.empty()) {
    const std::size_t length = space_length(utf8);
    if (length == 0) return false;
    utf8.remove_prefix(length);
  }
  return true;
}

std::string shorten(std::string text) {
  constexpr std::size_t kMaxBytes = 48;
  if (text.size() <= kMaxBytes) return text;
  std::size_t end = kMaxBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text + "...";
}

JsonValue need(const JsonValue& row, std::string_view key) {
  const std::optional<JsonValue> value = row.find(key);
  if (!value) throw DropRow{"missing_field:" + std::string(key)};
  return *value;
}

std::string need_text(const JsonValue& value, std::string_view name, RowNotes& notes) {
  if (value.is(Type::kNull)) throw DropRow{"empty_content"};
  if (!value.is(Type::kString)) throw DropRow{"wrong_type:" + std::string(name)};
  std::string text;
  notes.control_character |= value.append_text(text);
  if (is_blank(text)) throw DropRow{"empty_content"};
  return text;
}

std::string optional_text(const JsonValue& row, std::string_view key, RowNotes& notes) {
  const std::optional<JsonValue> value = row.find(key);
  if (!value || !value->truthy()) return {};
  if (!value->is(Type::kString)) throw DropRow{"wrong_type:" + std::string(key)};
  std::string text;
  notes.control_character |= value->append_text(text);
  return is_blank(text) ? std::string() : text;
}

Json keep(const JsonValue& value) {
  std::optional<Json> json = value.to_json();
  if (!json) throw DropRow{"number_out_of_range"};
  return std::move(*json);
}

std::optional<Json> parse_embedded(const std::string& text) {
  JsonRow inner;
  if (inner.parse(text) != JsonRow::Status::kOk) return std::nullopt;
  return inner.root().to_json();
}

void read_variables(const JsonValue& row, Conversation& out) {
  const std::optional<JsonValue> variables = row.find("chat_template_kwargs");
  if (variables && variables->truthy()) {
    if (!variables->is(Type::kObject)) throw DropRow{"wrong_type:chat_template_kwargs"};
    out.variables = keep(*variables);
  }
  const std::optional<JsonValue> documents = row.find("documents");
  if (documents && documents->is(Type::kArray)) out.variables["documents"] = keep(*documents);
}

void read_tools(const JsonValue& row, Conversation& out) {
  const std::optional<JsonValue> tools = row.find("tools");
  if (!tools || !tools->truthy()) return;
  std::optional<Json> list;
  if (tools->is(Type::kString)) {
    const std::string text = tools->text();
    if (is_blank(text)) return;
    list = parse_embedded(text);
  } else {
    list = keep(*tools);
  }
  if (!list || !list->is_array()) throw DropRow{"bad_tools"};
  if (!list->empty()) out.tools = std::move(*list);
}

Json tool_calls_from(const Json& calls) {
  Json out = Json::array();
  const auto add = [&out](const Json& call) {
    const bool sound = call.is_object() && call.contains("name") && call.contains("arguments");
    if (!sound) throw DropRow{"bad_tool_call"};
    out.push_back(
        {{"type", "function"}, {"function", {{"name", call["name"]}, {"arguments", call["arguments"]}}}});
  };
  if (calls.is_array()) {
    for (const Json& call : calls) add(call);
  } else {
    add(calls);
  }
  return out;
}

void check_roles(std::vector<Message>& messages, RowNotes& notes) {
  const auto is_role = [](const char* role) { return [role](const Message& m) { return m.role == role; }; };
  if (std::count_if(messages.begin(), messages.end(), is_role("system")) > 1) throw DropRow{"second_system"};
  if (!messages.empty() && std::any_of(messages.begin() + 1, messages.end(), is_role("system"))) {
    throw DropRow{"system_not_first"};
  }
  const auto last = std::find_if(messages.rbegin(), messages.rend(), is_role("assistant"));
  if (last == messages.rend()) throw DropRow{"no_assistant"};
  if (last != messages.rbegin()) {
    notes.reasons.push_back("repaired:trailing_" + last.base()->role);
    messages.erase(last.base(), messages.end());
  }
  const std::size_t first = messages.front().role == "system" ? 1 : 0;
  if (messages[first].role == "assistant") notes.reasons.emplace_back("warning:assistant_first");
  // One note per kind: a row of many such pairs stays small in the ledger.
  for (std::size_t i = first + 1; i < messages.size(); ++i) {
    if (messages[i].role != messages[i - 1].role || messages[i].role == "tool") continue;
    const std::string reason = "warning:consecutive_" + messages[i].role;
    if (std::find(notes.reasons.begin(), notes.reasons.end(), reason) == notes.reasons.end()) {
      notes.reasons.push_back(reason);
    }
  }
}

}  // namespace caravan::data
