// Trivial prompts against a server process.
#include "recipes/synthesis/rewrite_rows.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "data/sha256.h"
#include "data/synthesis/builtin_prompts.h"
#include "data/walk/row_messages.h"
#include "tests/support/server.h"

namespace caravan::recipes {
namespace {

using data::Json;

class RewriteStep : public testing::Test {
 protected:
  RewriteStep() {
    models_[0].name = "m";
    models_[0].endpoint.url = server_.url();
    models_[0].endpoint.model = "misbehaves";
    options_.model = "m";
  }
  StepRow row(const std::string& text) const {
    data::JsonRow json;
    EXPECT_EQ(json.parse(text), data::JsonRow::Status::kOk) << text;
    data::Conversation asked;
    read_asked_messages(json.root(), asked);
    return {Json::parse(text), "r1", 0, asked.messages};
  }
  static std::string chat(const std::string& prompt) {
    return Json{{"source", "sums"},
                {"messages",
                 {{{"role", "system"}, {"content", "Be brief."}},
                  {{"role", "user"}, {"content", prompt}},
                  {{"role", "assistant"}, {"content", "4"}}}}}
        .dump();
  }
  StepResult work(const std::string& text) {
    ModelPool pool(models_, dir_.path().string(), 1, true, nullptr);
    std::vector<StepRow> rows{row(text)};
    return RewriteRows(options_, 7, pool).work(rows)[0];
  }
  const tests::TempDir dir_;
  tests::Server server_;
  std::vector<ModelSource> models_{1};
  RewriteSection options_;
};

TEST_F(RewriteStep, ARowTellsWhatItWasAndHowItWasMade) {
  const StepResult result = work(chat("2 + {prompt}?"));
  ASSERT_EQ(result.made.size(), 1u);
  const Json& made = result.made[0];
  EXPECT_EQ(made["id"], "r1.rewritten");
  EXPECT_EQ(made["source"], "sums");
  ASSERT_EQ(made["messages"].size(), 3u);
  EXPECT_EQ(made["messages"][0]["content"], "Be brief.");
  EXPECT_TRUE(made["messages"][1]["content"].get<std::string>().starts_with("done: "));
  EXPECT_EQ(made["messages"][2]["role"], "assistant");
  EXPECT_EQ(made["rewritten"], (Json{{"from_id", "r1"}, {"from_prompt", "2 + {prompt}?"}}));
  EXPECT_EQ(made["synthesis"]["template_sha256"], data::sha256_hex(data::builtin_prompt("rewrite").text));
  EXPECT_TRUE(made["synthesis"]["answer"]["model"].get<std::string>().starts_with("misbehaves at "));
  // What the prompt holds is text, also where it looks like the template.
  const std::string asked = server_.asked()[0]["body"]["messages"][0]["content"].get<std::string>();
  EXPECT_TRUE(asked.ends_with("Request:\n2 + {prompt}?\n"));
}

TEST_F(RewriteStep, AReplyThatWasCutIsNoRow) {
  options_.prompt_template = dir_.write("t.txt", "length {prompt}");
  EXPECT_EQ(work(chat("2 + 2")).reasons, (std::vector<std::string>{"prompt_cut"}));
  options_.prompt_template = dir_.write("t.txt", "refusal {prompt}");
  EXPECT_EQ(work(chat("2 + 2")).reasons, (std::vector<std::string>{"prompt_failed:refused"}));
  EXPECT_EQ(work(chat("")).reasons, (std::vector<std::string>{"no_prompt"}));
}

TEST_F(RewriteStep, APromptMayStandInTheTemplateTwice) {
  options_.prompt_template = dir_.write("t.txt", "{prompt} once more: {prompt}");
  EXPECT_EQ(work(chat("2 + 2")).made.size(), 1u);
  EXPECT_EQ(server_.asked()[0]["body"]["messages"][0]["content"], "2 + 2 once more: 2 + 2");
  options_.prompt_template = dir_.write("t.txt", "no place");
  EXPECT_THROW(rewrite_template_of(options_), data::Error);
}

TEST_F(RewriteStep, OnlyTrivialMessagesAreRewritten) {
  ModelPool pool(models_, dir_.path().string(), 1, true, nullptr);
  const RewriteRows step(options_, 7, pool);
  const StepPass pass = step.make_pass();
  const auto passes = [&](const std::string& text) {
    data::JsonRow json;
    json.parse(text);
    return pass(json.root());
  };
  EXPECT_FALSE(passes(chat("2 + 2")));
  EXPECT_TRUE(passes(chat("Why does the tide rise twice a day?")));
  EXPECT_TRUE(passes(R"({"prompt":"Hi","chosen":"Hello.","rejected":"No."})"));
  // A list that is more than texts stays too.
  EXPECT_TRUE(work(R"({"messages":[{"role":"user","content":[{"type":"image_url"}]}]})").keep);
}

}  // namespace
}  // namespace caravan::recipes
