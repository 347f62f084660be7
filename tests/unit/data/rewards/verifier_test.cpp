// The table, and the verifiers of form.
#include <gtest/gtest.h>

#include "data/error.h"
#include "data/rewards/python_literal.h"
#include "data/rewards/verifier_table.h"

namespace caravan::tests {
namespace {

using data::Json;

std::string verdict(const std::string& name, const std::string& completion, const Json& truth,
                    data::Rules rules = data::Rules::kSound) {
  return std::string(name_of(data::make_verifier(name, {.rules = rules})->verify(completion, truth).verdict));
}

TEST(VerifierTable, NamesAreSortedAndFoundInAnyCase) {
  const auto table = data::verifier_table();
  for (std::size_t i = 1; i < table.size(); ++i) EXPECT_LT(table[i - 1].name, table[i].name);
  EXPECT_EQ(verdict("MATH", "\\boxed{1}", "1"), "right");
  try {
    data::make_verifier("gsm9k");
    ADD_FAILURE() << "accepted";
  } catch (const data::Error& error) {
    EXPECT_EQ(error.exit_code(), 2);
    EXPECT_NE(std::string(error.what()).find("gsm8k"), std::string::npos) << error.what();
  }
}

TEST(Regex, LimitsAndMistakes) {
  EXPECT_EQ(verdict("regex", "total: 42", "\\b4\\d\\b"), "right");
  EXPECT_EQ(verdict("regex", "total: 42", Json{{"pattern", "\\d+"}, {"whole", true}}), "wrong");
  EXPECT_EQ(verdict("regex", "TOTAL", Json{{"pattern", "total"}, {"ignore_case", true}}), "right");
  EXPECT_EQ(verdict("regex", std::string(40, 'a') + "b", "(a+)+$"), "unknown");
  EXPECT_EQ(verdict("regex", "x", "(unclosed"), "unknown");
  EXPECT_EQ(verdict("regex", std::string(100000, 'x'), "y?x$"), "unknown");
}

TEST(JsonAnswer, ComparesValues) {
  EXPECT_EQ(verdict("json", "```json\n{\"b\": 2, \"a\": [1]}\n```", Json{{"a", {1}}, {"b", 2}}), "right");
  EXPECT_EQ(verdict("json", "{\"a\": 1}", "{\"a\": 2}"), "wrong");
  EXPECT_EQ(verdict("json", "[1, 2", true), "wrong");
  EXPECT_EQ(verdict("json", "[1, 2]", true), "right");
  EXPECT_EQ(verdict("json", std::string(1000, '['), true), "unknown");
}

TEST(Length, WordsAndCharacters) {
  EXPECT_EQ(verdict("length", "a b c", Json{{"min_words", 3}, {"max_characters", 5}}), "right");
  EXPECT_EQ(verdict("length", "a b c", Json{{"max_words", 2}}), "wrong");
  EXPECT_EQ(verdict("length", "a b c", Json{{"words", 2}}), "unknown");
  const auto off = data::make_verifier("max_length", {.max_length = 100});
  EXPECT_DOUBLE_EQ(off->verify("", Json{{"target", 50}, {"num_tokens", 75}}).score, 0.75);
  EXPECT_DOUBLE_EQ(
      data::make_verifier("up_to_max_length")->verify("", Json{{"target", 50}, {"num_tokens", 10}}).score, 1);
}

TEST(Length, SoundScoresAreNeverBelowZero) {
  const Json far{{"target", 10}, {"num_tokens", 100000}};
  EXPECT_DOUBLE_EQ(data::make_verifier("max_length", {.max_length = 100})->verify("", far).score, 0.0);
  EXPECT_LT(data::make_verifier("max_length", {.rules = data::Rules::kOpenInstruct, .max_length = 100})
                ->verify("", far)
                .score,
            0.0);
  EXPECT_EQ(verdict("max_length", "", Json{{"target", 10}, {"num_tokens", 1e300}}), "unknown");
}

TEST(Gsm8k, NumbersInWords) {
  for (const auto& [text, truth] : {std::pair{"The answer is twenty-five.", "25"},
                                    {"The answer is one hundred and four apples.", "104"},
                                    {"The answer is three thousand two hundred eleven.", "3211"},
                                    {"The answer is minus five.", "-5"},
                                    {"She has five apples left.", "5"}})
    EXPECT_EQ(verdict("gsm8k", text, truth), "right") << text;
  EXPECT_EQ(verdict("gsm8k", "The answer is minus five.", "5"), "wrong");
  // More than one whole number: nobody can say which is meant.
  for (const auto& [text, truth] : {std::pair{"The answer is two thirds.", "2"},
                                    {"The answer is eight and a half.", "8"},
                                    {"The answer is two, three.", "5"},
                                    {"The answer is three million.", "3"},
                                    {"One moment. She has five apples.", "1"}})
    EXPECT_EQ(verdict("gsm8k", text, truth), "unknown") << text;
}

TEST(ThinkFormat, OneThoughtThenAnAnswer) {
  EXPECT_EQ(verdict("think_format", "<think>a</think>b", nullptr), "right");
  EXPECT_EQ(verdict("think_format", "a</think><answer>b</answer>", nullptr), "right");
  for (const char* bad :
       {"b", "<think>a</think>", "<think></think>b", "x<think>a</think>b",
        "<think>a</think><think>b</think>c", "<think>a</think><answer>b", "</think><think>b"})
    EXPECT_EQ(verdict("think_format", bad, nullptr), "wrong") << bad;
  EXPECT_EQ(verdict("r1_format", "a</think>\n<answer>b</answer>", nullptr), "right");
  EXPECT_EQ(verdict("r1_format", "a</think>b<answer>b</answer>", nullptr), "wrong");
  EXPECT_EQ(verdict("r1_format", "</answer></think><answer>b", nullptr), "wrong");
  EXPECT_EQ(verdict("r1_format", "</think>a</think> <answer>b</answer>", nullptr), "right");
}

TEST(IfEvalVerifier, FormsOfGroundTruth) {
  const Json truth = {{"instruction_id", {"punctuation:no_comma"}}, {"kwargs", {nullptr}}};
  EXPECT_EQ(verdict("ifeval", "a b", truth), "right");
  EXPECT_EQ(verdict("ifeval", "a, b", truth.dump()), "wrong");
  EXPECT_EQ(verdict("ifeval", "a b", "[{'instruction_id': ['punctuation:no_comma'], 'kwargs': [None]}]"),
            "right");
  EXPECT_EQ(verdict("ifeval", "a, b", Json{{"func_name", "validate_no_commas"}, {"N", nullptr}}), "wrong");
  EXPECT_EQ(verdict("ifeval", "a b", Json{{"instruction_id", {"no:such"}}, {"kwargs", {nullptr}}}),
            "unknown");
  EXPECT_EQ(verdict("ifeval", "a b", Json{{"instruction_id", {"keywords:existence"}}, {"kwargs", {nullptr}}}),
            "unknown");
}

TEST(IfEvalVerifier, LooseForgivesFirstLineAndStars) {
  const Json truth = {{"instruction_id", {"startend:quotation"}}, {"kwargs", {nullptr}}};
  const std::string answer = "Sure, here it is:\n\"quoted\"";
  EXPECT_EQ(verdict("ifeval", answer, truth), "wrong");
  EXPECT_EQ(verdict("ifeval_loose", answer, truth), "right");
  EXPECT_EQ(verdict("ifeval_loose", "**\"quoted\"**", truth), "right");
}

TEST(Search, BetweenFinishTags) {
  EXPECT_EQ(verdict("re_search", "x <finish>The Rome</finish>", Json{"paris", "rome"}), "right");
  EXPECT_EQ(verdict("re_search", "Rome", "rome"), "wrong");
  const auto rules = data::make_verifier("re_search_f1", {.rules = data::Rules::kOpenInstruct});
  EXPECT_DOUBLE_EQ(rules->verify("<finish>x</finish>", "y").score, 0.1);
}

TEST(PythonLiteral, ReadsWhatPythonPrints) {
  EXPECT_EQ(data::read_python_literal("{'a': (1, 2.5, None), \"b\": [True, 'it\\'s \\u00e9']}").dump(),
            "{\"a\":[1,2.5,null],\"b\":[true,\"it's \xc3\xa9\"]}");
  for (const char* bad : {"{'a': __import__('os')}", "{'a'", "[1] 2", "'\\ud800'", "{1: 2}"})
    EXPECT_TRUE(data::read_python_literal(bad).is_null()) << bad;
  EXPECT_TRUE(data::read_python_literal(std::string(100000, '[')).is_null());
}

}  // namespace
}  // namespace caravan::tests
