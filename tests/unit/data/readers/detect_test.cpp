#include "data/readers/detect.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "tests/support/temp_dir.h"

namespace caravan::data {
namespace {

std::string refusal(const std::string& rows) {
  const tests::TempDir dir;
  try {
    detect_format(dir.write("a.jsonl", rows));
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "accepted: " << rows;
  return "";
}

RowFormat detected(const std::string& rows) {
  const tests::TempDir dir;
  return detect_format(dir.write("a.jsonl", rows));
}

TEST(Detect, EachLayoutIsKnownByItsKeys) {
  EXPECT_EQ(detected("broken\n{\"messages\":[]}\n"), RowFormat::kMessages);
  EXPECT_EQ(detected("{\"conversations\":[]}"), RowFormat::kSharegpt);
  EXPECT_EQ(detected("{\"instruction\":\"a\",\"input\":\"\",\"output\":\"b\"}"), RowFormat::kAlpaca);
  EXPECT_EQ(detected("{\"prompt\":\"a\",\"response\":\"b\"}"), RowFormat::kPromptCompletion);
}

TEST(Detect, WhatIsNotUniqueIsRefusedWithTheCandidates) {
  const std::string both = refusal("{\"messages\":[]}\n{\"prompt\":\"a\",\"completion\":\"b\"}\n");
  EXPECT_NE(both.find("messages, prompt_completion"), std::string::npos) << both;
  const std::string unknown = refusal("{\"question\":\"a\",\"solution\":\"b\"}");
  EXPECT_NE(unknown.find("question, solution"), std::string::npos) << unknown;
  EXPECT_NE(refusal("[]\n").find("none of the first rows"), std::string::npos);
  EXPECT_NE(refusal("{\"chosen\":[],\"rejected\":[]}").find("write stage: dpo"), std::string::npos);
  EXPECT_NE(unknown.find("caravan data convert"), std::string::npos) << unknown;
  EXPECT_NE(refusal("").find("no row"), std::string::npos) << refusal("");
}

TEST(Detect, PreferenceDataIsNotTakenForExamples) {
  EXPECT_NE(refusal("{\"messages\":[],\"label\":true}").find("preference"), std::string::npos);
  EXPECT_NE(refusal("{\"conversations\":[],\"chosen\":{},\"rejected\":{}}").find("preference"),
            std::string::npos);
  EXPECT_EQ(detected("{\"messages\":[],\"label\":\"topic\"}"), RowFormat::kMessages);
}

}  // namespace
}  // namespace caravan::data
