// Rows of the training layouts as rows with messages.
#include "recipes/row_messages.h"

#include <gtest/gtest.h>

#include "data/error.h"

namespace caravan::recipes {
namespace {

using data::Json;
using data::RowFormat;

constexpr std::string_view kOwn[] = {"text", "messages", "ids"};
const std::string kAlpaca = R"({"instruction":"Add","input":"2 3","output":"5"})";
const std::string kTalk =
    R"({"messages":[{"role":"user","content":"Add\n\n2 3"},{"role":"assistant","content":"5"}]})";

// What becomes of the row; "as it is", or why not.
std::string turned(const std::string& line, RowFormat format = RowFormat::kAuto) {
  Json row = Json::parse(line);
  try {
    return turn_into_messages(line, format, kOwn, row) ? row.dump() : "as it is";
  } catch (const data::Error& error) {
    EXPECT_EQ(error.exit_code(), 65);
    return error.what();
  }
}

TEST(RowMessages, EveryLayoutIsFoundByItsKeys) {
  EXPECT_EQ(turned(kAlpaca), kTalk);
  EXPECT_EQ(turned(R"({"conversations":[{"from":"human","value":"Add\n\n2 3"},{"from":"gpt","value":"5"}]})"),
            kTalk);
  EXPECT_EQ(turned(R"({"prompt":"Add\n\n2 3","completion":"5"})"), kTalk);
}

TEST(RowMessages, TheCommandsOwnKeysComeFirst) {
  EXPECT_EQ(turned(kTalk), "as it is");
  EXPECT_EQ(turned(R"({"text":"t","instruction":"a","output":"b"})"), "as it is");
  EXPECT_EQ(turned(R"({"something":"else"})"), "as it is");
}

TEST(RowMessages, ToolCallsAndToolsComeAlong) {
  const std::string line =
      R"({"conversations":[{"from":"human","value":"q"},{"from":"function_call","value":"{\"name\":\"f\",\"arguments\":{}}"}],"tools":"[{\"name\":\"f\"}]"})";
  EXPECT_EQ(turned(line),
            R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"","tool_calls":)"
            R"([{"type":"function","function":{"name":"f","arguments":{}}}]}],"tools":[{"name":"f"}]})");
}

TEST(RowMessages, WhatDoesNotFitSaysWhy) {
  EXPECT_EQ(turned(R"({"instruction":"a","output":""})"),
            "as a row of the layout alpaca: empty_content; data/README.md explains the layouts and reasons");
  EXPECT_EQ(
      turned(kAlpaca, RowFormat::kSharegpt),
      "as a row of the layout sharegpt: missing_field:conversations; data/README.md explains the layouts "
      "and reasons");
  EXPECT_EQ(turned(R"({"instruction":"a","output":"b","prompt":"c","completion":"d"})"),
            "the row fits more than one layout: alpaca, prompt_completion; say which with --format");
}

}  // namespace
}  // namespace caravan::recipes
