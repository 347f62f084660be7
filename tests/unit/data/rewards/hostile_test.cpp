// Text that wants to hurt: every verifier answers, soon, and with a reason in UTF-8.
#include <gtest/gtest.h>

#include <chrono>

#include "data/rewards/verifier_table.h"
#include "data/tokenizers/unicode.h"
#include "tests/support/json_file.h"
#include "tests/support/shared_data.h"

namespace caravan::tests {
namespace {

using data::Json;
using data::Judgement;
using data::Rules;
using data::Verdict;

std::string repeat(std::string_view what, std::size_t times) {
  std::string text;
  text.reserve(what.size() * times);
  for (std::size_t i = 0; i < times; ++i) text += what;
  return text;
}

std::vector<std::string> hostile_texts() {
  constexpr std::size_t kMany = 40000;
  std::vector<std::string> texts{"",
                                 std::string("\0\0 5 \0", 7),
                                 "\x01\x02\x1b[31m5",
                                 "\xff\xfe\xc3(",
                                 "\xed\xa0\x80",
                                 "\xf4\x90\x80\x80 \\boxed{\xff}",
                                 "\\boxed{9^{9^{9^{9}}}}",
                                 "\\boxed{9^9^9^9}",
                                 "\\boxed{1e999999999}",
                                 "1e999999999",
                                 "99999999999999999999999999^{99999}",
                                 "\\boxed{(x+1)^{99999}}",
                                 "\\boxed{(a+b+c+d+e+f)^{32}}",
                                 "\\boxed{1000000000!}",
                                 "\\boxed{\\binom{1000000}{500000}}",
                                 "\\boxed{\\sqrt[99999]{2}}",
                                 "\\boxed{\\frac{1}{0}}",
                                 "\\boxed{0^{-1}}",
                                 "\\boxed{\\begin{pmatrix}}",
                                 "\\boxed{\\text{}",
                                 "\\boxed{x_{x_{x_{x}}}}",
                                 "\\boxed{\\sqrt{-1}^{0.5}}",
                                 "</think>",
                                 "<think>",
                                 "<answer></answer></answer><answer>"};
  for (const std::string_view piece : {"\\frac{",  "\\frac",  "\\sqrt",     "\\boxed{",
                                       "\\boxed",  "{",       "}",          "(",
                                       "[",        "*",       "**",         "* ",
                                       "-\n",      "\n",      "\n\n",       "\"",
                                       "'",        "$",       "$$",         ",",
                                       "1,",       "1 ",      "9",          "-",
                                       "- ",       "/",       "1/",         ".",
                                       "...",      ". ",      "! ",         "<<",
                                       ">>",       "<think>", "</think>",   "<answer>",
                                       "\\text{",  "=",       "x=",         "<",
                                       "####",     "answer",  "answer is ", "\xe2\x80\x9c",
                                       "\xd9\xa1", "a",       "A ",         "\\pm",
                                       "\\cup",    "\\{",     "|",          "^",
                                       "_",        "!",       "\\\\",       "&"}) {
    texts.push_back(repeat(piece, kMany / piece.size()));
    texts.push_back("\\boxed{" + repeat(piece, kMany / piece.size()) + "}");
    texts.push_back("\\boxed{" + repeat(piece, 60) + "1}");
  }
  return texts;
}

std::vector<Json> truths() {
  return {nullptr,
          "5",
          "\\frac{1}{2}",
          5,
          Json::array(),
          {"5", 6},
          Json::object(),
          true,
          "(a+)+$",
          "[[[[",
          std::string(10000, '['),
          {{"func_name", "validate_placeholders"}, {"N", 1}},
          {{"func_name", "verify_sentence_constraint"}, {"N", 1}, {"quantifier", "around"}},
          {{"instruction_id", {"keywords:existence"}}, {"kwargs", {{{"keywords", {"(a*)*b"}}}}}},
          {{"instruction_id", {"length_constraints:number_sentences"}},
           {"kwargs", {{{"num_sentences", 3}, {"relation", "at least"}}}}},
          {{"instruction_id", {1, nullptr}}, {"kwargs", {1, 2}}},
          {{"pattern", "(a+)+$"}, {"whole", true}}};
}

TEST(HostileText, EveryVerifierAnswersSoon) {
  const std::vector<std::string> texts = hostile_texts();
  for (const data::VerifierEntry& entry : data::verifier_table()) {
    for (const Rules rules : {Rules::kSound, Rules::kOpenInstruct}) {
      const auto verifier = entry.make({.rules = rules});
      for (const std::string& text : texts) {
        const auto begin = std::chrono::steady_clock::now();
        for (const Json& truth : truths()) {
          const Judgement got = verifier->verify(text, truth);
          EXPECT_EQ(data::find_invalid_utf8(got.reason), std::string::npos) << entry.name;
          EXPECT_FALSE(got.reason.empty()) << entry.name << ": " << text.substr(0, 40);
        }
        const double seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        // Not a measure of speed: what is quadratic here takes minutes.
        EXPECT_LT(seconds, 20) << entry.name << ": " << text.substr(0, 40) << " of " << text.size();
      }
    }
  }
}

// Comparing and copying documents recurses; brackets in texts must not hide how deep one is.
TEST(HostileText, JsonOfGreatDepthIsNeitherComparedNorCopied) {
  const auto verifier = data::make_verifier("json");
  const std::string deep = repeat("[", 300'000) + repeat("]", 300'000);
  std::string hidden = "1";
  for (int i = 0; i < 300; ++i) hidden = "[\"]]\", " + hidden + "]";
  EXPECT_EQ(verifier->verify(deep, deep).verdict, Verdict::kUnknown);
  EXPECT_EQ(verifier->verify(hidden, hidden).verdict, Verdict::kUnknown);
  EXPECT_EQ(verifier->verify("[1]", deep).verdict, Verdict::kWrong);
  EXPECT_EQ(verifier->verify("[\"[[\", 1]", "[\"[[\", 1]").verdict, Verdict::kRight);
}

TEST(HostileText, GroundTruthMissingIsUnknown) {
  for (const data::VerifierEntry& entry : data::verifier_table()) {
    if (entry.name.ends_with("_format")) continue;
    const Judgement got = entry.make({})->verify("<answer>5</answer>", nullptr);
    EXPECT_EQ(got.verdict, Verdict::kUnknown) << entry.name;
    EXPECT_EQ(got.reason, "the ground truth is missing");
  }
}

TEST(HostileText, TooLongIsUnknown) {
  const std::string text(data::Verifier::kMaxBytes + 1, '7');
  EXPECT_EQ(data::make_verifier("gsm8k")->verify(text, "7").verdict, Verdict::kUnknown);
}

std::string make_case(const std::string& name, std::size_t n) {
  if (name == "nested_braces_closed") return "\\boxed{" + repeat("{", n) + "1" + repeat("}", n) + "}";
  if (name == "nested_braces_open") return "\\boxed" + repeat("{", n) + "1";
  if (name == "many_boxes") return repeat("\\boxed{2} ", n) + "\\boxed{1}";
  if (name == "nested_fracs") return "\\boxed{" + repeat("\\frac{1}{", n) + "2" + repeat("}", n) + "}";
  if (name == "long_digits") return repeat("7", n);
  if (name == "many_numbers") return repeat("1 ", n) + "5";
  if (name == "power_tower") return "\\boxed{9^{9^{9^{9}}}}";
  if (name == "factorial") return "\\boxed{1000000!}";
  if (name == "regex_bait") return repeat("[", n);
  if (name == "stars") return repeat("*", n);
  ADD_FAILURE() << "a generated case without a maker: " << name;
  return {};
}

TEST(HostileText, GeneratedCases) {
  SKIP_WITHOUT_SHARED_DATA();
  for (const Json& row : read_json(shared_data() / "goldens/data/verifiers/generated_cases.json")) {
    for (const Json& n : row["n"]) {
      if (n.get<std::size_t>() > 10000000)
        continue;  // longer than any completion we read; see TooLongIsUnknown
      const std::string text = make_case(row["name"], n);
      const auto sound = data::make_verifier(row["verifier"].get<std::string>());
      const Judgement got = sound->verify(text, row["label"]);
      const Verdict want = row["sound"].is_null() ? Verdict::kUnknown
                           : row["sound"] == true ? Verdict::kRight
                                                  : Verdict::kWrong;
      EXPECT_EQ(name_of(got.verdict), name_of(want)) << row["name"] << " " << n << ": " << got.reason;
      const auto rules =
          data::make_verifier(row["verifier"].get<std::string>(), {.rules = Rules::kOpenInstruct});
      EXPECT_EQ(rules->verify(text, row["label"]).score, row["open_instruct"].get<double>())
          << row["name"] << " " << n;
    }
  }
}

}  // namespace
}  // namespace caravan::tests
