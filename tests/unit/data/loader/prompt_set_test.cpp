// Rows of published sets for verifiable rewards: one verifier or several, what becomes of each row, and the
// order in which prompts come.
#include "data/loader/prompt_set.h"

#include <gtest/gtest.h>

#include <set>

#include "data/error.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/data/loader/fake_text.h"

namespace caravan::data {
namespace {

const std::string kTemplate =
    "{% for m in messages %}{{ m.role }}\n{{ m.content }}<end>{% endfor %}{% if add_generation_prompt "
    "%}assistant\n{% endif %}";

Json row(const std::string& question, const Json& dataset, const Json& truth) {
  return {{"messages", {{{"role", "user"}, {"content", question}}}},
          {"dataset", dataset},
          {"ground_truth", truth}};
}

struct Setting {
  PromptSet open(const std::vector<Json>& rows) {
    std::string text;
    for (const Json& one : rows) text += one.dump() + "\n";
    options.sources = {{.path = dir.write("rows.jsonl", text)}};
    return PromptSet::open(options, tokenizer, chat_template, prompts);
  }
  std::string refusal(const std::vector<Json>& rows) {
    try {
      open(rows);
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), 65);
      return error.what();
    }
    return "";
  }
  // Why a row beside a sound one is dropped; empty where it is not.
  std::string reason(const Json& one) {
    const PromptSet set = open({one, row("What is 2 + 2?", "gsm8k", "4")});
    for (const LedgerEntry& entry : set.ledger().entries())
      if (entry.fate == Fate::kDropped) return set.ledger().reasons()[entry.reason];
    return "";
  }

  tests::TempDir dir;
  DataOptions options;
  PromptOptions prompts{.longest = 200, .variables = nullptr};
  tests::FakeTokenizer tokenizer;
  ChatTemplate chat_template{kTemplate, "test"};
};

TEST(PromptSet, OneVerifierOfEachRow) {
  Setting setting;
  const PromptSet set =
      setting.open({row("What is 2 + 2?", "gsm8k", "4"), row("Sum?", "math", "\\frac{1}{2}")});
  ASSERT_EQ(set.size(), 2u);
  ASSERT_EQ(set[0].truths.size(), 1u);
  EXPECT_EQ(set[0].truths[0].verifier, "gsm8k");
  EXPECT_EQ(set[0].truths[0].ground_truth, "4");
  EXPECT_EQ(set[1].truths[0].verifier, "math");
  EXPECT_EQ(setting.tokenizer.decode(set[0].ids, false), "user\nWhat is 2 + 2?<end>assistant\n");
  EXPECT_TRUE(set[0].messages.empty()) << "they were not asked for";
}

// As published sets have them: each verifier has the truth at its own place.
TEST(PromptSet, ListsOfVerifiersAndTruths) {
  Setting setting;
  const PromptSet set = setting.open({
      row("a?", {"gsm8k", "regex"}, {"4", "[0-9]+"}),
      row("b?", Json::array({"math"}), Json::array({"7"})),
      // One verifier whose truth is a list: any of them may be met.
      row("c?", "string_matcher", {"red", "blue"}),
      // A verifier that needs no truth has none at its place.
      row("d?", {"gsm8k", "think_format"}, {"4", nullptr}),
  });
  ASSERT_EQ(set.size(), 4u);
  ASSERT_EQ(set[0].truths.size(), 2u);
  EXPECT_EQ(set[0].truths[0].verifier, "gsm8k");
  EXPECT_EQ(set[0].truths[0].ground_truth, "4");
  EXPECT_EQ(set[0].truths[1].verifier, "regex");
  EXPECT_EQ(set[0].truths[1].ground_truth, "[0-9]+");
  ASSERT_EQ(set[1].truths.size(), 1u);
  EXPECT_EQ(set[1].truths[0].ground_truth, Json::array({"7"}));
  EXPECT_EQ(set[2].truths[0].ground_truth, (Json{"red", "blue"}));
  EXPECT_EQ(set[3].truths[1].verifier, "think_format");
}

TEST(PromptSet, ListsThatDoNotFitAreAnError) {
  Setting setting;
  const Json sound = row("a?", "gsm8k", "4");
  for (const Json& truth : {Json("4"), Json(Json::array({"4"})), Json({"4", "5", "6"}), Json(nullptr)})
    EXPECT_NE(setting.refusal({sound, row("b?", {"gsm8k", "regex"}, truth)})
                  .find("rows.jsonl:2: dataset is a list of another length than ground_truth"),
              std::string::npos)
        << truth;
  const std::string unknown = setting.refusal({row("b?", {"gsm8k", "gsm9k"}, {"4", "5"})});
  EXPECT_NE(unknown.find("rows.jsonl:1: dataset: "), std::string::npos) << unknown;
  EXPECT_NE(unknown.find("reward.verifier"), std::string::npos) << unknown;
}

TEST(PromptSet, WhatBecomesOfRows) {
  Setting setting;
  EXPECT_EQ(setting.reason(row("a?", {"gsm8k", "regex"}, {"4", nullptr})), "no_ground_truth");
  EXPECT_EQ(setting.reason(row("a?", "gsm8k", nullptr)), "no_ground_truth");
  EXPECT_EQ(setting.reason(row("a?", nullptr, "4")), "no_dataset");
  EXPECT_EQ(setting.reason(row("a?", Json::array(), Json::array())), "no_dataset");
  EXPECT_EQ(setting.reason(row("  \n", "gsm8k", "4")), "no_prompt");
  EXPECT_EQ(setting.reason(row(std::string(300, 'x'), "gsm8k", "4")), "too_long");
  EXPECT_EQ(setting.reason({{"number", 7}}), "no_prompt");
  // The answer of a row that was published for supervised training is none of its prompt.
  Json answered = row("a?", "gsm8k", "4");
  answered["messages"].push_back({{"role", "assistant"}, {"content", "4"}});
  const PromptSet set = setting.open({answered});
  EXPECT_EQ(setting.tokenizer.decode(set[0].ids, false), "user\na?<end>assistant\n");
}

// The template sees of a row what it sees of it in supervised tuning.
TEST(PromptSet, ToolsAndVariablesOfARowReachTheTemplate) {
  Setting setting;
  setting.chat_template = ChatTemplate(
      "{% for t in tools %}[{{ t.function.name }}]{% endfor %}{{ tone }}{{ messages[0].content }}", "test");
  Json one = row("a?", "gsm8k", "4");
  one["tools"] = {{{"type", "function"}, {"function", {{"name", "add"}, {"parameters", Json::object()}}}}};
  one["chat_template_kwargs"] = {{"tone", "mild "}};
  EXPECT_EQ(setting.tokenizer.decode(setting.open({one})[0].ids, false), "[add]mild a?");
  one["tools"] = "no list";
  EXPECT_EQ(setting.reason(one), "bad_tools");
}

TEST(PromptSet, OneVerifierForAllAndNone) {
  Setting setting;
  setting.prompts.verifier = "math";
  EXPECT_EQ(setting.open({row("a?", {"gsm8k", "regex"}, "4")})[0].truths[0].verifier, "math");
  setting.prompts.verifier.clear();
  setting.prompts.has_verifiers = false;
  setting.prompts.keep_messages = true;
  const PromptSet set = setting.open({row("a?", "gsm9k", nullptr)});
  EXPECT_TRUE(set[0].truths.empty());
  ASSERT_EQ(set[0].messages.size(), 1u);
  EXPECT_EQ(set[0].messages[0].content, "a?");
  EXPECT_EQ(set[0].ground_truth, "");
  EXPECT_EQ(setting.open({row("a?", "gsm9k", "4 {x}")})[0].ground_truth, "4 {x}");
  EXPECT_EQ(setting.open({row("a?", "gsm9k", {1, "b"})})[0].ground_truth, R"([1,"b"])");
}

// Each prompt once an epoch, each epoch in an order of its own that the seed decides.
TEST(PromptSet, Order) {
  Setting setting;
  std::vector<Json> rows;
  for (int i = 0; i < 30; ++i) rows.push_back(row(std::to_string(i) + "?", "gsm8k", std::to_string(i)));
  const PromptSet set = setting.open(rows);
  std::vector<std::vector<std::uint32_t>> epochs(3);
  for (std::uint64_t place = 0; place < 90; ++place) epochs[place / 30].push_back(set.at(place, 7, true));
  for (const auto& epoch : epochs) EXPECT_EQ(std::set<std::uint32_t>(epoch.begin(), epoch.end()).size(), 30u);
  EXPECT_NE(epochs[0], epochs[1]);
  EXPECT_EQ(set.at(31, 7, true), epochs[1][1]) << "also where another epoch was asked for last";
  EXPECT_EQ(set.at(33, 7, false), 3u);
}

}  // namespace
}  // namespace caravan::data
