#include "data/rewriting/prompt_rewriter.h"

#include <gtest/gtest.h>

#include "data/error.h"

namespace caravan::data {
namespace {

// Says what it was told to say, and remembers what it was asked.
class ScriptedGenerator : public TextGenerator {
 public:
  explicit ScriptedGenerator(std::vector<Generation> script) : script_(std::move(script)) {}
  std::string name() const override { return "script"; }
  std::vector<Generation> generate(std::span<const GenerationRequest> requests) override {
    for (const GenerationRequest& request : requests) asked.push_back(request.messages.at(0).content);
    return script_;
  }
  std::vector<std::string> asked;

 private:
  std::vector<Generation> script_;
};

Conversation row(const std::string& id, std::vector<Message> messages) {
  Conversation made;
  made.id = id;
  made.source = "sums";
  made.messages = std::move(messages);
  return made;
}

TEST(PromptRewriter, KeepsWhereARowCameFromAndDropsItsAnswer) {
  ScriptedGenerator generator({{.text = "\nA shop sells 2 apples and 3 pears a day. How many in a week?\n"}});
  PromptRewriter rewriter(generator, std::string(builtin_rewrite_template()), 7);
  const std::vector<Conversation> rows{row(
      "s1",
      {{"system", "Be brief.", nullptr}, {"user", "2 + {prompt}?", nullptr}, {"assistant", "5", nullptr}})};
  const std::vector<RewrittenRow> made = rewriter.rewrite(rows);
  ASSERT_EQ(made.size(), 1u);
  const Json line = Json::parse(made[0].line);
  EXPECT_EQ(line["id"], "s1.rewritten");
  EXPECT_EQ(line["source"], "sums");
  ASSERT_EQ(line["messages"].size(), 2u);
  EXPECT_EQ(line["messages"][0]["content"], "Be brief.");
  EXPECT_EQ(line["messages"][1]["content"], "A shop sells 2 apples and 3 pears a day. How many in a week?");
  EXPECT_EQ(line["needs_answer"], true);
  EXPECT_EQ(line["rewritten"]["from_prompt"], "2 + {prompt}?");
  EXPECT_EQ(line["rewritten"]["generator"], "script");
  EXPECT_EQ(line["rewritten"]["template_sha256"].get<std::string>().size(), 64u);
  // What the prompt holds is text, also where it looks like the template.
  EXPECT_TRUE(generator.asked.at(0).ends_with("Request:\n2 + {prompt}?\n"));
}

TEST(PromptRewriter, WhatTheGeneratorSaysIsChecked) {
  ScriptedGenerator generator({{.text = " 1 + 1? "},
                               {.text = " \n"},
                               {.problem = "timeout"},
                               {.text = std::string(1 << 17, 'x')},
                               {.text = "\xFF\xFE"}});
  PromptRewriter rewriter(generator, "{prompt}", 7);
  std::vector<Conversation> rows(5, row("r", {{"user", "1 + 1?", nullptr}}));
  rows.push_back(row("none", {{"assistant", "Hello.", nullptr}}));
  std::vector<std::string> reasons;
  for (const RewrittenRow& made : rewriter.rewrite(rows)) {
    EXPECT_TRUE(made.line.empty());
    reasons.push_back(made.reason);
  }
  EXPECT_EQ(reasons, (std::vector<std::string>{"rewrite_unchanged", "rewrite_empty", "rewrite_failed:timeout",
                                               "rewrite_too_long", "rewrite_not_utf8", "no_prompt"}));
}

TEST(PromptRewriter, ATemplateMustNameThePromptOnce) {
  ScriptedGenerator generator({});
  EXPECT_THROW(PromptRewriter(generator, "no place", 0), Error);
  EXPECT_THROW(PromptRewriter(generator, "{prompt} {prompt}", 0), Error);
}

}  // namespace
}  // namespace caravan::data
