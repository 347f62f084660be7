// What a row asks, whatever its layout and the order of its keys.
#include "data/walk/row_messages.h"

#include <gtest/gtest.h>

namespace caravan::data {
namespace {

// "role: text|role: text"
std::string asked(const std::string& row) {
  JsonRow json;
  EXPECT_EQ(json.parse(row), JsonRow::Status::kOk) << row;
  Conversation conversation;
  std::string text;
  const bool found = read_asked_messages(json.root(), conversation);
  EXPECT_EQ(found, !conversation.messages.empty());
  for (const Message& message : conversation.messages)
    text += (text.empty() ? "" : "|") + message.role + ": " + message.content;
  return text;
}

TEST(AskedMessages, ListsKeepTheirTurns) {
  EXPECT_EQ(
      asked(
          R"({"conversations":[{"from":"system","value":"s"},{"from":"human","value":"q"},{"from":"gpt","value":"a"}]})"),
      "system: s|user: q|assistant: a");
  EXPECT_EQ(asked(R"({"prompt":"no","messages":[{"role":"user","content":[{"type":"text","text":"q"}]}]})"),
            "user: q");
  EXPECT_EQ(
      asked(
          R"({"completion":"b","prompt":[{"role":"user","content":"q"},{"role":"assistant","content":"a"},{"role":"user","content":"r"}]})"),
      "user: q|assistant: a|user: r|assistant: b");
}

TEST(AskedMessages, TextsAreOneQuestionAndItsAnswers) {
  EXPECT_EQ(asked(R"({"instruction":"Sum up.","input":"A tale.","output":"T."})"),
            "user: Sum up.\n\nA tale.|assistant: T.");
  EXPECT_EQ(asked(R"({"instruction":"Sum up.","input":"","output":"T."})"), "user: Sum up.|assistant: T.");
  // Nothing of the answer is asked, whatever stands first and whatever repeats it.
  EXPECT_EQ(asked(R"({"answer":"4","question":"2 + 2?","text":"Q: 2 + 2? A: 4"})"),
            "user: 2 + 2?|assistant: 4");
  EXPECT_EQ(asked(R"({"response":"a","system":"s","prompt":"q"})"), "system: s|user: q|assistant: a");
  EXPECT_EQ(asked(R"({"solution":"s","problem":"p"})"), "user: p|assistant: s");
}

TEST(AskedMessages, OfAPairThePromptAndTheChosenAnswer) {
  EXPECT_EQ(asked(R"({"prompt":"q","chosen":"a","rejected":"b"})"), "user: q|assistant: a");
  EXPECT_EQ(
      asked(
          R"({"chosen":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}],"rejected":[{"role":"user","content":"q"},{"role":"assistant","content":"b"}]})"),
      "user: q|assistant: a");
}

TEST(AskedMessages, WhatIsMoreThanTextIsNotAsked) {
  for (
      const char* row :
      {R"({"x":1})", R"({"messages":[]})", R"({"messages":[{"content":"q"}]})",
       R"({"messages":[{"role":"user","content":null}]})",
       R"({"messages":[{"role":"user","content":[{"type":"text","text":"q"},{"type":"image_url","image_url":"u"}]}]})",
       R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"","tool_calls":[{"name":"f"}]}]})"})
    EXPECT_EQ(asked(row), "") << row;
}

}  // namespace
}  // namespace caravan::data
