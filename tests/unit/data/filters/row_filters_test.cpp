// Rows against the reasons they must get.
#include "data/filters/row_filters.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "data/filters/content_filters.h"
#include "tests/support/json_file.h"
#include "tests/support/shared_data.h"

namespace caravan::data {
namespace {

// The reasons with commas between; "kept" without any.
std::string reasons_of(const RowFilters& filters, const std::string& row) {
  JsonRow json;
  EXPECT_EQ(json.parse(row), JsonRow::Status::kOk) << row;
  RowFilters::Workspace work;
  std::string reasons;
  for (const FilterHit& hit : filters.judge(json.root(), work)) {
    reasons += (reasons.empty() ? "" : ",") + hit.reason;
    for (const std::size_t width : {0u, 20u, 200u}) excerpt(hit, work.sides, width);
  }
  return reasons.empty() ? "kept" : reasons;
}

// A row of turns: "u:text", "a:text", "s:text", "t:text".
std::string chat(std::initializer_list<std::string> turns) {
  Json messages = Json::array();
  for (const std::string& turn : turns) {
    const char* const role = turn[0] == 'u'   ? "user"
                             : turn[0] == 'a' ? "assistant"
                             : turn[0] == 's' ? "system"
                             : turn[0] == 't' ? "tool"
                                              : "alien";
    messages.push_back({{"role", role}, {"content", turn.substr(2)}});
  }
  return Json{{"messages", messages}}.dump();
}

struct Case {
  std::string row, reasons;
};

void expect_cases(const FilterOptions& options, std::initializer_list<Case> cases) {
  const RowFilters filters(options);
  for (const Case& each : cases) EXPECT_EQ(reasons_of(filters, each.row), each.reasons) << each.row;
}

TEST(RowFilters, EmptyAndMissingTurns) {
  expect_cases(
      {.empty_turns = true},
      {{chat({"u:hi", "a:yes"}), "kept"},
       {chat({"u:hi", "a: \n\u00a0\u3000"}), "empty_turn:assistant"},
       {chat({"s:", "u:hi", "a:yes"}), "empty_turn:system"},
       {R"({"messages":[{"role":"user","content":null},{"role":"assistant","content":"x"}]})",
        "empty_turn:user"},
       {R"({"messages":[{"role":"user","content":"x"},{"role":"assistant","content":null,"tool_calls":[{"a":1}]},{"role":"tool","content":"3"},{"role":"assistant","content":"x"}]})",
        "kept"},
       {R"({"messages":[{"role":"user","content":"x"},{"role":"assistant","content":null,"tool_calls":[]}]})",
        "empty_turn:assistant"},
       {R"({"messages":[]})", "missing_turns:user"},
       {chat({"u:hi"}), "missing_turns:assistant"},
       {R"({"prompt":"a","chosen":"b","rejected":" "})", "empty_turn:assistant"},
       {R"({"x":1})", "no_text"}});
}

TEST(RowFilters, RoleOrder) {
  expect_cases(
      {.role_order = true},
      {{chat({"s:be", "u:a", "a:b", "u:c", "a:d"}), "kept"},
       {chat({"u:a", "a:b", "t:c", "t:d", "a:e"}), "kept"},
       {chat({"a:b", "u:c", "a:d"}), "role_order:assistant_first"},
       {chat({"u:a", "u:c", "a:d"}), "role_order:consecutive_user"},
       {chat({"u:a", "a:c", "a:d"}), "role_order:consecutive_assistant"},
       {chat({"u:a", "s:c", "a:d"}), "role_order:system_not_first"},
       {chat({"s:a", "s:b", "u:c", "a:d"}), "role_order:second_system"},
       {chat({"u:a", "t:b", "a:d"}), "role_order:tool_without_call"},
       {chat({"u:a", "x:b"}), "role_order:unknown_role"},
       {chat({"u:a", "a:b", "u:c"}), "role_order:ends_with_user"},
       {R"({"chosen":[{"role":"user","content":"q"},{"role":"assistant","content":"y"}],"rejected":[{"role":"user","content":"q"},{"role":"assistant","content":"n"}],"prompt":"q"})",
        "kept"},
       {R"({"prompt":[{"role":"user","content":"q"}],"chosen":[{"role":"assistant","content":"y"}],"rejected":[{"role":"user","content":"n"}]})",
        "role_order:ends_with_user"}});
}

TEST(RowFilters, SystemTextsThatAreSaidTwice) {
  expect_cases(
      {.duplicate_system = true},
      {{chat({"s:Be kind.", "u:Hi", "a:Yes"}), "kept"},
       {chat({"s:Be kind.", "u: Be kind.\n", "a:Yes"}), "duplicate_system:first_user"},
       {chat({"s:Be kind.", "u:Hi", "a:b", "u:Be kind.", "a:Yes"}), "kept"},
       {chat({"s:Be kind.", "u:Hi", "a:b", "s:Be kind.", "u:c", "a:Yes"}), "duplicate_system:repeated"},
       {chat({"s:", "u:", "a:Yes"}), "kept"}});
}

TEST(RowFilters, NamesAndIdentityStatements) {
  expect_cases({.provider_names = true},
               {{chat({"u:Is this ChatGPT?", "a:No."}), "kept"},
                {chat({"u:a", "a:No.", "u:b", "a:I use chatgpt."}), "provider_name:ChatGPT"},
                {R"({"prompt":"a","chosen":"fine","rejected":"OpenAI made me"})", "provider_name:OpenAI"}});
  expect_cases({.provider_names = true, .keyword_turns = TurnsOf::kUser},
               {{chat({"u:Is this ChatGPT?", "a:No."}), "provider_name:ChatGPT"}});
  expect_cases({.identity_statements = true},
               {{chat({"u:a", "a:As an AI language model, I cannot."}), "identity:as_a_model"},
                {chat({"u:a", "a:As a model by OpenAI I cannot."}), "identity:as_a_model"},
                {chat({"u:a", "a:Well, I\u2019m Claude."}), "identity:i_am_a_model"},
                {chat({"u:a", "a:I was trained by LMSYS."}), "identity:made_by"},
                {chat({"u:a", "a:The language model is trained by a team. I am a baker."}), "kept"}});
}

TEST(RowFilters, TheReferenceIsFollowedToTheLetter) {
  expect_cases(
      {.reference = true},
      {{chat({"u:a", "a:GPT4"}), "provider_name:GPT4"},
       {chat({"u:a", "a: "}), "empty_turn:assistant"},
       {R"({"messages":[{"role":"user","content":"x"},{"role":"assistant","content":null,"tool_calls":[{"a":1}]}]})",
        "empty_turn:assistant"},
       {chat({"u:a"}), "kept"},
       {chat({"u:GPT-4", "a:As an AI language model by Claude"}), "kept"}});
}

TEST(RowFilters, ReferenceKeywordsEqualTheGoldens) {
  SKIP_WITHOUT_SHARED_DATA();
  const auto path = tests::shared_data() / "goldens/data/converters/keyword_filter.jsonl";
  const RowFilters filters({.reference = true});
  std::size_t dropped = 0;
  for (const Json& row : tests::read_json_lines(path)) {
    const bool drops = row["expected"] == "dropped";
    dropped += drops;
    EXPECT_EQ(reasons_of(filters, row.dump()).starts_with("provider_name"), drops) << row;
  }
  EXPECT_GT(dropped, 10u);
}

TEST(RowFilters, TrivialPrompts) {
  expect_cases({.trivial_prompts = true},
               {{chat({"u:Hello!", "a:Hi"}), "trivial:words"},
                {chat({"u:안녕", "a:Hi"}), "trivial:words"},
                {chat({"u:???", "a:Hi"}), "trivial:words"},
                {chat({"u:天気は", "a:Hi"}), "kept"},
                {chat({"u:Hello there", "a:Hi"}), "kept"},
                {chat({"u:What is 12 + 7?", "a:19"}), "trivial:arithmetic"},
                {chat({"u:What is 12 + 7 * 2?", "a:26"}), "kept"},
                {chat({"u:Hello!", "a:Hi", "u:Tell me of the sea.", "a:Blue."}), "kept"},
                {chat({"u:Hello!", "a:Hi", "u:3*4", "a:12"}), "trivial:words"},
                {chat({"a:Hi"}), "kept"}});
  expect_cases({.trivial_prompts = true, .trivial_words = 0, .trivial_operations = 2},
               {{chat({"u:Hello!", "a:Hi"}), "kept"},
                {chat({"u:What is 12 + 7 * 2?", "a:26"}), "trivial:arithmetic"}});
}

TEST(RowFilters, Arithmetic) {
  for (const char* sum : {"12*3=", "7 plus 5", "What's 1,234.5 divided by -3?", "Calculate 3 × 4.", "(2 ^ 8)",
                          "how much is 8 minus 3", "Please compute 6 x 7", "The sum of 3 and 4 is"})
    EXPECT_TRUE(is_arithmetic(sum, 1)) << sum;
  for (const char* other : {"12", "What is 5?", "3 apples plus 4 apples", "1 +", "+ 1", "x + 3 = 5",
                            "Write 3 and 4 as words", "", "5 timesheets 3"})
    EXPECT_FALSE(is_arithmetic(other, 1)) << other;
  EXPECT_FALSE(is_arithmetic("1+2+3", 1));
  EXPECT_TRUE(is_arithmetic("1+2+3", 2));
  EXPECT_FALSE(is_arithmetic(std::string(100000, '(') + "1+2", 1));
}

TEST(RowFilters, Lengths) {
  expect_cases({.min_characters = 4, .max_characters = 6, .min_turns = 2, .max_turns = 2},
               {{chat({"u:ab", "a:cd"}), "kept"},
                {chat({"u:가나", "a:다라마바"}), "kept"},
                {chat({"u:a", "a:b"}), "too_short:characters"},
                {chat({"u:abcd", "a:efg"}), "too_long:characters"},
                {chat({"s:x", "u:ab", "a:c"}), "kept"},
                {chat({"u:a", "a:b", "u:c", "a:d"}), "too_long:turns"},
                {chat({"u:abcdefg"}), "too_long:characters,too_short:turns"}});
  expect_cases(
      {.max_characters = 3, .length_turns = TurnsOf::kAssistant},
      {{chat({"u:a long prompt", "a:abc"}), "kept"}, {chat({"u:a", "a:abcd"}), "too_long:characters"}});
}

TEST(RowFilters, LanguagesByTextAndByField) {
  const std::string english = chat({"u:Where did the boat go before the rain?", "a:To the old town."});
  const std::string korean =
      chat({"u:배는 비가 오기 전에 어디로 갔나요?", "a:오래된 마을로 갔습니다. 내일 돌아옵니다."});
  expect_cases({.languages = "en"},
               {{english, "kept"}, {korean, "language:ko"}, {chat({"u:네", "a:네"}), "kept"}});
  expect_cases({.languages = "hangul"}, {{english, "language:en"}, {korean, "kept"}});
  // Code is in no language.
  expect_cases({.languages = "ko"},
               {{chat({"u:코드를 써 주세요. 배열을 정렬해야 합니다.",
                       "a:```python\nfor line in the_list: print(line)\nsorted(the_list)\n```\n끝났습니다."}),
                 "kept"}});
  expect_cases({.languages = "English", .language_field = "language"},
               {{R"({"language":"english","prompt":"a","response":"b"})", "kept"},
                {R"({"language":"French","prompt":"a","response":"b"})", "language:french"},
                {R"({"prompt":"a","response":"b"})", "language:unnamed"}});
}

TEST(RowFilters, Repetitions) {
  const FilterOptions options{
      .max_repeated_ngrams = 0.3, .max_repeated_lines = 0.5, .ngram_words = 3, .repetition_words = 6};
  expect_cases(options, {{chat({"u:a", "a:one two three four five six seven"}), "kept"},
                         {chat({"u:a", "a:go to it go to it go to it"}), "repetition:ngrams"},
                         {chat({"u:go to it go to it go to it", "a:b"}), "kept"},
                         {chat({"u:a", "a:go go go go go"}), "kept"},  // fewer than six words
                         {chat({"u:a", "a:x\nx\n\nx\nsome other words to reach six here"}), "kept"},
                         {chat({"u:a", "a:x\n x \n\nx\nmany more words are on this line"}), "kept"},
                         {chat({"u:a", "a:a b\na b\na b\na b"}), "repetition:ngrams,repetition:lines"}});
}

TEST(RowFilters, Patterns) {
  expect_cases({.drop_pattern = R"(<think>|^\s*Sure)"}, {{chat({"u:<think>", "a:b"}), "kept"},
                                                         {chat({"u:a", "a:b <think> c"}), "pattern"},
                                                         {chat({"u:a", "a:line\nSure"}), "kept"},
                                                         {chat({"u:a", "a:  Sure"}), "pattern"}});
  expect_cases({.drop_pattern = "(?i)\\bÉTÉ\\b", .pattern_turns = TurnsOf::kAll},
               {{chat({"u:l'été", "a:b"}), "pattern"}});
  expect_cases({.drop_pattern = "^$"}, {{chat({"u:a", "a:"}), "pattern"}});
  expect_cases({.drop_pattern = "^(a+)+$"},
               {{chat({"u:a", "a:" + std::string(64, 'a') + "b"}), "pattern_gave_up"},
                {chat({"u:a", "a:aaa"}), "pattern"}});
  for (const char* broken : {"(", "a{2,1}", "[z-a]", "\\", "(?<n>a)(?<n>b)", "\xff"})
    EXPECT_THROW(RowFilters({.drop_pattern = broken}), Error) << broken;
  EXPECT_THROW(RowFilters({.drop_pattern = std::string(70000, 'a')}), Error);
}

TEST(RowFilters, Fences) {
  EXPECT_EQ(open_fence("a\n```py\nx\n```\nb"), std::string_view::npos);
  EXPECT_EQ(open_fence("a\n```py\nx\n"), 2u);
  EXPECT_EQ(open_fence("````\n```\n"), 0u);  // a shorter fence closes nothing
  EXPECT_EQ(open_fence("```\n~~~\n```"), std::string_view::npos);
  EXPECT_EQ(open_fence("```\n```py\n"), 0u);  // with an info string it closes nothing
  EXPECT_EQ(open_fence("```inline``` text"), std::string_view::npos);
  EXPECT_EQ(open_fence("1. x\n    ```\n    y\n    ```"), std::string_view::npos);
  EXPECT_EQ(open_fence("``\n~~"), std::string_view::npos);
  expect_cases({.unbalanced_fences = true},
               {{chat({"u:```", "a:b"}), "kept"}, {chat({"u:a", "a:x\n```"}), "unbalanced_fence"}});
}

TEST(RowFilters, WhatSetsThemselvesMark) {
  const std::string turns =
      R"("conversation":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}])";
  expect_cases(
      {.moderation = true},
      {{"{" + turns + R"(,"toxic":false,"redacted":false,"openai_moderation":[{"flagged":false}]})", "kept"},
       {"{" + turns + R"(,"toxic":true})", "moderation:toxic"},
       {"{" + turns + R"(,"redacted":true,"openai_moderation":[{"flagged":false},{"flagged":true}]})",
        "moderation:redacted,moderation:flagged"},
       {R"({"messages":[{"role":"user","content":"a","toxic":true},{"role":"assistant","content":"b","openai_moderation":{"flagged":true}}]})",
        "moderation:toxic,moderation:flagged"},
       {R"({"prompt":"a","response":"b","toxic":"True"})", "moderation:toxic"}});
}

TEST(RowFilters, EveryFilterSpeaks) {
  expect_cases({.empty_turns = true, .role_order = true, .provider_names = true, .max_characters = 5},
               {{chat({"a:I am ChatGPT", "u: "}),
                 "empty_turn:user,role_order:assistant_first,provider_name:ChatGPT,too_long:characters"}});
}

TEST(FilterOptions, ContradictionsAndSettingsWithoutEffectAreRefused) {
  const auto refusal = [](const FilterOptions& options) -> std::string {
    try {
      check_filter_options(options);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(refusal({}), "accepted");
  EXPECT_NE(refusal({.min_turns = 3, .max_turns = 2}).find("min_turns is 3"), std::string::npos);
  EXPECT_NE(refusal({.max_tokens = 5}).find("tokenizer"), std::string::npos);
  EXPECT_NE(refusal({.tokenizer = "x"}).find("tokenizer"), std::string::npos);
  EXPECT_NE(refusal({.trivial_words = 2}).find("trivial_words"), std::string::npos);
  EXPECT_NE(refusal({.ngram_words = 2}).find("ngram_words"), std::string::npos);
  EXPECT_NE(refusal({.keyword_case = KeywordCase::kExact}).find("keyword_case"), std::string::npos);
  EXPECT_NE(refusal({.pattern_turns = TurnsOf::kAll}).find("pattern_turns"), std::string::npos);
  EXPECT_THROW(RowFilters{FilterOptions{}}, Error);
}

TEST(Excerpt, ShowsWhatIsToBlame) {
  Conversation side;
  side.messages = {{"user", "a", {}},
                   {"assistant", std::string(300, 'x') + " OpenAI\x1b[0m " + std::string(300, 'y'), {}}};
  const FilterHit hit{"provider_name:OpenAI", 0, 1, 301, 307};
  const std::string shown = excerpt(hit, {&side, 1}, 80);
  EXPECT_TRUE(shown.starts_with("assistant turn 2: ...xxx")) << shown;
  EXPECT_NE(shown.find(" OpenAI\\u{1B}[0m yyy"), std::string::npos) << shown;
  EXPECT_LE(shown.size(), 80u);
  EXPECT_EQ(excerpt({.reason = "no_text"}, {}, 80), "");
}

}  // namespace
}  // namespace caravan::data
