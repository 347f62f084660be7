// Trivial prompts made into prompts that need reasoning, by a text generator.
//
// Goals: a rewritten row says what it was, who rewrote it and by which words; the old answer answers another
// question, so it is gone and the row is marked as lacking one. What the generator returns is checked and
// never trusted. Non-goals: which prompts are trivial (data/filters), the new answers, retries.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/message.h"
#include "data/text_generator.h"

namespace caravan::data {

// Our own words; {prompt} is where the old prompt stands.
std::string_view builtin_rewrite_template();

struct RewrittenRow {
  std::string line =
      {};  // {"id","source","messages","needs_answer":true,"rewritten":{...}}; empty where refused
  std::string id = {};      // of the new row: the old one's with .rewritten
  std::string reason = {};  // rewrite_failed:WHY, rewrite_empty, rewrite_unchanged, rewrite_too_long,
                            // rewrite_not_utf8, no_prompt
};

class PromptRewriter {
 public:
  // Refers to `generator`. Throws Error (data) unless {prompt} stands in the template exactly once.
  PromptRewriter(TextGenerator& generator, std::string template_text, std::uint64_t seed);

  // One result for each row, in their order. The first prompt of a conversation is rewritten, with a system
  // text before it kept; later turns belonged to the old question and are left out. Throws as the generator.
  std::vector<RewrittenRow> rewrite(std::span<const Conversation> rows);

 private:
  std::string request_text(const std::string& prompt) const;
  RewrittenRow check(const Conversation& row, const Message& prompt, const Generation& generation) const;

  TextGenerator& generator_;
  std::string before_, after_;  // of the template, around the prompt
  std::string template_sha256_;
  std::uint64_t seed_;
};

}  // namespace caravan::data
