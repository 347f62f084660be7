// Layouts and rules that the reference rows do not show.
#include <gtest/gtest.h>

#include "data/converters/converter.h"
#include "data/converters/detect_layout.h"
#include "data/error.h"
#include "tests/unit/data/converters/converted.h"

namespace caravan::data {
namespace {

using tests::convert;
using tests::ConvertedFile;

// The first record of a file that holds this row.
ConvertedFile converted(const std::string& rows, const std::vector<std::string>& flags = {}) {
  const tests::TempDir dir;
  std::vector<std::string> args{dir.write("rows.jsonl", rows)};
  args.insert(args.end(), flags.begin(), flags.end());
  return convert(args);
}

std::string layout_of(const std::string& row) {
  const tests::TempDir dir;
  return std::string(detect_layout(dir.write("rows.jsonl", row + "\n")).name);
}

void expect_exchange(const std::string& row, const std::string& layout, const std::string& prompt,
                     const std::string& answer) {
  EXPECT_EQ(layout_of(row), layout);
  const ConvertedFile found = converted(row);
  ASSERT_EQ(found.rows.at(0).records.size(), 1u) << layout << ": " << Json(found.rows[0].reasons);
  EXPECT_EQ(found.rows[0].records[0]["messages"], Json::array({{{"role", "user"}, {"content", prompt}},
                                                               {{"role", "assistant"}, {"content", answer}}}))
      << layout;
}

TEST(Converters, SetsThatAreKnownByTheirKeys) {
  expect_exchange(R"({"instruction":"i","response":"r"})", "evol_codealpaca", "i", "r");
  expect_exchange(R"({"instruction":"i","context":"c","response":"r","category":"x"})", "dolly", "i\n\nc",
                  "r");
  expect_exchange(R"({"instruction":"i","context":"","response":"r","category":"x"})", "dolly", "i", "r");
  expect_exchange(R"({"vanilla":"v","adversarial":"a","completion":"c","data_type":"adversarial_harmful"})",
                  "wildjailbreak", "a", "c");
  expect_exchange(R"({"vanilla":"v","adversarial":"","completion":"c","data_type":"vanilla_benign"})",
                  "wildjailbreak", "v", "c");
  expect_exchange(
      R"({"prompt":"p","adversarial":true,"response":"r","prompt_harm_label":"harmful","subcategory":"x"})",
      "wildguardmix", "p", "r");
  expect_exchange(R"({"id":"personahub_abc","prompt":"p","messages":[{"role":"user","content":"p"},)"
                  R"({"role":"assistant","content":"s"}],"constraints":["x"]})",
                  "persona", "p", "s");
  expect_exchange(R"({"query":"q","response":"r"})", "query_response", "q", "r");
  expect_exchange(R"({"query":"q","answer":"r"})", "query_answer", "q", "r");
  expect_exchange(R"({"question":"q","answer":"r"})", "question_answer", "q", "r");
  expect_exchange(
      R"({"conversation":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}],"model":"m"})",
      "conversation", "a", "b");
}

TEST(Converters, PromptsWithoutAnAnswerAreDropped) {
  EXPECT_EQ(converted(R"({"prompt":"p","adversarial":true,"response":null,"prompt_harm_label":"harmful"})")
                .rows[0]
                .reasons,
            std::vector<std::string>{"empty_content"});
}

TEST(Converters, SelfInstructHasARecordForEachInstance) {
  const ConvertedFile found = converted(
      R"({"id":"t","instruction":"i","instances":[{"input":"","output":"a"},{"input":"x","output":"b"}]})");
  ASSERT_EQ(found.rows[0].records.size(), 2u);
  EXPECT_EQ(found.rows[0].records[0]["id"], "t.0");
  EXPECT_EQ(found.rows[0].records[1]["id"], "t.1");
  EXPECT_EQ(found.rows[0].records[1]["messages"][0]["content"], "i\n\nx");
}

TEST(Converters, TablesOfOpenAssistantBecomeTrees) {
  const std::string rows =
      R"({"message_id":"b","parent_id":"a","role":"assistant","text":"low","labels":{"name":["spam","quality"],"value":[0,0.2]}})"
      "\n"
      R"({"message_id":"a","parent_id":null,"role":"prompter","text":"hi","labels":null})"
      "\n"
      R"({"message_id":"c","parent_id":"a","role":"assistant","text":"high","labels":{"name":["quality"],"value":[0.9]}})"
      "\n"
      R"({"message_id":"d","parent_id":"gone","role":"assistant","text":"x"})"
      "\n"
      R"({"message_id":"e","parent_id":"f","role":"prompter","text":"x"})"
      "\n"
      R"({"message_id":"f","parent_id":"e","role":"prompter","text":"x"})"
      "\n"
      R"({"message_id":"a","parent_id":null,"role":"prompter","text":"again"})"
      "\n";
  const ConvertedFile found = converted(rows);
  const std::vector<std::pair<std::string, std::string>> fates{{"dropped", "not_picked"},
                                                               {"kept", ""},
                                                               {"merged", ""},
                                                               {"dropped", "orphan"},
                                                               {"dropped", "orphan"},
                                                               {"dropped", "orphan"},
                                                               {"dropped", "duplicate_message_id"}};
  ASSERT_EQ(found.rows.size(), fates.size());
  for (std::size_t i = 0; i < fates.size(); ++i) {
    EXPECT_EQ(found.rows[i].fate, fates[i].first) << i;
    EXPECT_EQ(found.rows[i].reasons.empty() ? "" : found.rows[i].reasons[0], fates[i].second) << i;
  }
  EXPECT_EQ(found.rows[1].records[0]["messages"][1]["content"], "high");
  EXPECT_EQ(found.rows[1].records[0]["id"], "a");
}

TEST(Converters, AChainAsLongAsTheFileIsRefusedInTime) {
  std::string rows;
  for (int i = 0; i < 100000; ++i) {
    rows += "{\"message_id\":\"" + std::to_string(i) +
            "\",\"parent_id\":" + (i == 0 ? "null" : "\"" + std::to_string(i - 1) + "\"") +
            ",\"role\":\"assistant\",\"text\":\"x\"}\n";
  }
  EXPECT_EQ(converted(rows).rows[0].reasons, std::vector<std::string>{"too_many_turns"});
}

TEST(Converters, ScoresThatAreTooCloseGiveNoPair) {
  const std::string rows =
      R"({"prompt":"p","response":"a","helpfulness":4,"correctness":4,"coherence":4,"complexity":2,"verbosity":2})"
      "\n"
      R"({"prompt":"p","response":"b","helpfulness":3,"correctness":4,"coherence":4,"complexity":2,"verbosity":2})"
      "\n";
  EXPECT_EQ(converted(rows).rows[0].fate, "kept");
  EXPECT_EQ(converted(rows).rows[1].fate, "merged");
  EXPECT_EQ(converted(rows, {"--margin", "0.5"}).rows[1].reasons, std::vector<std::string>{"below_margin"});
  EXPECT_EQ(converted(rows, {"--min-score", "3.5"}).rows[0].reasons,
            std::vector<std::string>{"below_min_score"});
  EXPECT_EQ(converted(rows, {"--min-score", "3.2"}).rows[0].fate, "kept");
}

TEST(Converters, ColumnsAreMappedByName) {
  const std::vector<std::string> flags{"--column", "system=s", "--column",   "prompt=q", "--column",
                                       "input=x",  "--column", "response=a", "--column", "id=n"};
  const ConvertedFile found = converted(R"({"s":"S","q":"Q","x":"X","a":"A","n":7})", flags);
  EXPECT_EQ(found.rows[0].records[0],
            Json::parse(R"({"id":"7","source":"rows","messages":[{"role":"system","content":"S"},)"
                        R"({"role":"user","content":"Q\n\nX"},{"role":"assistant","content":"A"}]})"));
  const ConvertedFile checked = converted(
      R"({"q":"Q","t":"4"})", {"--column", "prompt=q", "--column", "ground_truth=t", "--dataset", "gsm8k"});
  EXPECT_EQ(checked.rows[0].records[0]["ground_truth"], Json({"4"}));
  EXPECT_EQ(checked.rows[0].records[0]["dataset"], Json({"gsm8k"}));
  EXPECT_THROW(converted("{}", {"--column", "prompt=q"}), Error);
  EXPECT_THROW(converted("{}", {"--column", "answer=q"}), Error);
  EXPECT_THROW(converted("{}", {"--column", "prompt=q", "--column", "ground_truth=t"}), Error);
}

TEST(Converters, RepeatsAndIdsStayUnique) {
  const std::string row =
      R"({"id":"x","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]})";
  const ConvertedFile found = converted(row + "\n" + row + "\n" + row + "\n");
  EXPECT_EQ(found.rows[0].records[0]["id"], "x");
  EXPECT_EQ(found.rows[1].records[0]["id"], "x#2");
  EXPECT_EQ(found.rows[2].records[0]["id"], "x#3");
  EXPECT_EQ(found.rows[2].reasons, std::vector<std::string>{"repaired:duplicate_id"});
  EXPECT_EQ(converted(row, {"--format", "hardcoded"}).rows[0].records.size(), 10u);
  EXPECT_EQ(converted(row, {"--repeat", "3"}).rows[0].records[2]["id"], "x.2");
}

TEST(Converters, WhatATurnSaysBesidesIsToldAndKeptOnRequest) {
  const std::string row =
      R"({"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b","weight":0,"name":"n"}]})";
  const ConvertedFile found = converted(row);
  EXPECT_EQ(found.rows[0].records[0]["messages"][1].dump(),
            R"({"role":"assistant","content":"b","name":"n"})");
  EXPECT_EQ(found.report["left_out_turn_fields"], Json::parse(R"({"weight":1})"));
  EXPECT_EQ(converted(row, {"--keep-fields"}).rows[0].records[0]["messages"][1]["weight"], 0);
}

TEST(Converters, AnUnclearLayoutListsTheCandidates) {
  const tests::TempDir dir;
  try {
    detect_layout(dir.write("a.jsonl", R"({"question":"q","answer":"a","query":"x"})"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("question_answer, query_answer"), std::string::npos)
        << error.what();
  }
  EXPECT_THROW(detect_layout(dir.write("b.jsonl", R"({"text":"t"})")), Error);
}

TEST(Converters, AFileWithoutRowsIsToldFromOneWithoutObjects) {
  const tests::TempDir dir;
  const auto refusal = [](const std::string& path) -> std::string {
    try {
      return std::string(detect_layout(path).name);
    } catch (const Error& error) {
      return error.what();
    }
  };
  for (const char* text : {"", "\n \n"})
    EXPECT_NE(refusal(dir.write("a.jsonl", text)).find("holds no row"), std::string::npos) << text;
  EXPECT_NE(refusal(dir.write("b.json", "[]")).find("holds no row"), std::string::npos);
  EXPECT_NE(refusal(dir.write("c.jsonl", "7\n")).find("none of the first rows"), std::string::npos);
}

TEST(Converters, FilesOfSeveralLayoutsBecomeOneOutput) {
  const tests::TempDir dir;
  const std::string a = dir.write("a.jsonl", R"({"instruction":"i","output":"o"})"
                                             "\n");
  const std::string b = dir.write("b.csv", "question,answer\nq,\"a\n#### 4\"\n");
  const ConvertedFile found = convert({a, b});
  EXPECT_EQ(found.rows[0].records[0]["id"], "a_0");
  EXPECT_EQ(found.rows[1].records[0]["ground_truth"], Json({"4"}));
  EXPECT_EQ(found.report["layouts"][1]["layout"], "gsm8k");
  EXPECT_THROW(convert({a, "--format", "nothing"}), Error);
}

}  // namespace
}  // namespace caravan::data
