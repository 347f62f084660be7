#include "data/rewriting/prompt_rewriter.h"

#include <algorithm>

#include "data/error.h"
#include "data/sha256.h"
#include "data/synthesis/builtin_prompts.h"

namespace caravan::data {
namespace {

constexpr std::string_view kPlace = "{prompt}";
constexpr std::size_t kMostTemplateBytes = 1u << 16, kMostPromptBytes = 1u << 16;

const Message* first_prompt(const Conversation& row) {
  const auto found = std::ranges::find(row.messages, "user", &Message::role);
  return found == row.messages.end() || found->content.empty() ? nullptr : &*found;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace

std::string_view builtin_rewrite_template() {
  return builtin_prompt("rewrite").text;
}

PromptRewriter::PromptRewriter(TextGenerator& generator, std::string template_text, std::uint64_t seed)
    : generator_(generator), template_sha256_(sha256_hex(template_text)), seed_(seed) {
  const std::size_t at = template_text.find(kPlace);
  if (at == std::string::npos || template_text.find(kPlace, at + 1) != std::string::npos ||
      template_text.size() > kMostTemplateBytes)
    throw Error(Error::Kind::kData,
                "the template of rewriting: {prompt} must stand in it once, and it may have 64 KiB");
  before_ = template_text.substr(0, at);
  after_ = template_text.substr(at + kPlace.size());
}

// Joined, not searched: a {prompt} inside the prompt is text like any other.
std::string PromptRewriter::request_text(const std::string& prompt) const {
  return before_ + prompt + after_;
}

std::vector<RewrittenRow> PromptRewriter::rewrite(std::span<const Conversation> rows) {
  std::vector<GenerationRequest> requests;
  std::vector<const Message*> prompts;
  for (const Conversation& row : rows) {
    prompts.push_back(first_prompt(row));
    if (prompts.back() == nullptr) continue;
    requests.push_back(
        {.messages = {{"user", request_text(prompts.back()->content), nullptr}}, .seed = seed_});
  }
  const std::vector<Generation> generations = generator_.generate(requests);
  if (generations.size() != requests.size())
    throw Error(Error::Kind::kInternal, generator_.name() + ": gave " + std::to_string(generations.size()) +
                                            " texts for " + std::to_string(requests.size()) + " requests");
  std::vector<RewrittenRow> rewritten;
  std::size_t next = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (prompts[i] == nullptr)
      rewritten.push_back({.reason = "no_prompt"});
    else
      rewritten.push_back(check(rows[i], *prompts[i], generations[next++]));
  }
  return rewritten;
}

RewrittenRow PromptRewriter::check(const Conversation& row, const Message& prompt,
                                   const Generation& generation) const {
  const std::string text(trimmed(generation.text));
  if (!generation.problem.empty()) return {.reason = "rewrite_failed:" + generation.problem};
  if (text.empty()) return {.reason = "rewrite_empty"};
  if (text == trimmed(prompt.content)) return {.reason = "rewrite_unchanged"};
  if (text.size() > kMostPromptBytes) return {.reason = "rewrite_too_long"};
  Json messages = Json::array();
  if (row.messages.front().role == "system")
    messages.push_back({{"role", "system"}, {"content", row.messages.front().content}});
  messages.push_back({{"role", "user"}, {"content", text}});
  RewrittenRow made;
  made.id = row.id + ".rewritten";
  const Json record{{"id", made.id},
                    {"source", row.source},
                    {"messages", messages},
                    {"needs_answer", true},
                    {"rewritten",
                     {{"from_id", row.id},
                      {"from_prompt", prompt.content},
                      {"generator", generator_.name()},
                      {"template_sha256", template_sha256_}}}};
  try {
    made.line = record.dump();
  } catch (const Json::type_error&) {
    return {.reason = "rewrite_not_utf8"};
  }
  return made;
}

}  // namespace caravan::data
