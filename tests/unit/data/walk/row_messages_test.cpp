// What a row asks and every text that it trains on, whatever its layout and the order of its keys.
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

std::string told(const std::vector<Message>& messages) {
  std::string text;
  for (const Message& message : messages)
    text += (text.empty() ? "" : "|") + message.role + ": " + message.content;
  return text;
}

std::string read(const std::string& row) {
  JsonRow json;
  EXPECT_EQ(json.parse(row), JsonRow::Status::kOk) << row;
  Conversation conversation;
  EXPECT_TRUE(read_row_messages(json.root(), TurnParts::kAllTexts, conversation)) << row;
  return told(conversation.messages);
}

std::string listed(const std::string& row) {
  JsonRow json;
  EXPECT_EQ(json.parse(row), JsonRow::Status::kOk) << row;
  Conversation conversation;
  EXPECT_TRUE(read_listed_messages(json.root(), TurnParts::kExtra, conversation)) << row;
  return told(conversation.messages);
}

// The sides, " / " between them.
std::string sides(const std::string& row) {
  JsonRow json;
  EXPECT_EQ(json.parse(row), JsonRow::Status::kOk) << row;
  std::vector<Conversation> found;
  EXPECT_TRUE(read_row_sides(json.root(), found)) << row;
  std::string text;
  for (const Conversation& side : found) text += (text.empty() ? "" : " / ") + told(side.messages);
  return text;
}

// What decontamination and deduplication do not see, training would still learn.
TEST(RowMessages, EveryTextThatAStageTrainsOnIsRead) {
  EXPECT_EQ(read(R"({"messages":[{"role":"user","content":"q"}],"chosen":"a","rejected":"b"})"),
            "user: q|assistant: a|assistant: b");
  EXPECT_EQ(
      read(
          R"({"system":"s","conversations":[{"from":"human","value":"q"}],"chosen":{"from":"gpt","value":"a"}})"),
      "system: s|user: q|assistant: a");
  EXPECT_EQ(
      read(R"({"messages":[{"role":"user","content":"q"}],"conversations":[{"from":"human","value":"r"}]})"),
      "user: q|user: r");
  EXPECT_EQ(
      read(
          R"({"prompt":"q","chosen_messages":[{"role":"assistant","content":"a"}],"rejected_messages":[{"role":"assistant","content":"b"}]})"),
      "user: q|assistant: a|assistant: b");
  EXPECT_EQ(read(R"({"instruction":"i","output":"o","history":[["q1","a1"],["q2","a2"]]})"),
            "user: i|assistant: o|user: q1|assistant: a1|user: q2|assistant: a2");
  // Beside a list the other texts of a row are no training's.
  EXPECT_EQ(read(R"({"messages":[{"role":"user","content":"q"}],"text":"all","answer":"no"})"), "user: q");
}

TEST(RowMessages, EveryTextOfATurnIsRead) {
  EXPECT_EQ(read(R"({"messages":[{"role":"assistant","reasoning_content":"r","content":"c"}]})"),
            "assistant: c\nr");
  EXPECT_EQ(
      read(
          R"({"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"t"},{"type":"text","text":"c"},"d",{"content":"e"},{"value":"f"}]}]})"),
      "assistant: t\nc\nd\ne\nf");
  EXPECT_EQ(
      read(
          R"({"messages":[{"role":"assistant","content":null,"tool_calls":[{"function":{"name":"n","arguments":{"q":["x",1,{"y":"z"}]}}}]}]})"),
      "assistant: n\nx\nz");
  EXPECT_EQ(read(R"({"messages":[{"role":"assistant","function_call":{"name":"n","arguments":"{}"}}]})"),
            "assistant: n\n{}");
}

TEST(RowMessages, OneConversationIsOneList) {
  EXPECT_EQ(listed(R"({"messages":[{"role":"user","content":"q"}],"chosen":"a","system":"s"})"), "user: q");
  EXPECT_EQ(listed(R"({"conversations":[{"from":"human","value":"q"}],"system":"s"})"), "system: s|user: q");
  EXPECT_EQ(listed(R"({"conversations":[{"from":"human","value":"q"}],"system":""})"), "user: q");
  EXPECT_EQ(listed(R"({"messages":[{"role":"assistant","content":"c","reasoning_content":"r"}]})"),
            "assistant: c");
}

TEST(RowSides, EachSideStandsBehindThePrompt) {
  EXPECT_EQ(sides(R"({"prompt":"q","chosen":"a","rejected":"b","system":"s"})"),
            "user: q|system: s|assistant: a / user: q|system: s|assistant: b");
  EXPECT_EQ(
      sides(
          R"({"system":"s","conversations":[{"from":"human","value":"q"}],"chosen":{"from":"gpt","value":"a"},"rejected":{"from":"gpt","value":"b"},"prompt":"q"})"),
      "system: s|user: q|assistant: a / system: s|user: q|assistant: b");
  EXPECT_EQ(sides(R"({"messages":[{"role":"user","content":"m"}],"prompt":"q","chosen":"a","rejected":"b"})"),
            "user: q|assistant: a / user: q|assistant: b");
  EXPECT_EQ(
      sides(
          R"({"chosen_messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}],"rejected_messages":[{"role":"user","content":"q"},{"role":"assistant","content":"b"}]})"),
      "user: q|assistant: a / user: q|assistant: b");
  EXPECT_EQ(sides(R"({"prompt":"q","completion":"a"})"), "user: q|assistant: a");
}

// What filters judge: one conversation, its contents.
TEST(RowSides, ARowWithoutSidesIsItsListAlone) {
  EXPECT_EQ(
      sides(R"({"messages":[{"role":"assistant","content":"c","reasoning_content":"r"}],"system":"s"})"),
      "assistant: c");
  EXPECT_EQ(
      sides(R"({"messages":[{"role":"assistant","content":"","tool_calls":[{"name":"n"}]}],"chosen":"a"})"),
      "assistant: ");
}

// A quadratic one takes minutes.
TEST(RowMessages, AMessageOfManyMembersIsReadInLinearTime) {
  std::string row = R"({"messages":[{"role":"user","content":"q")";
  for (int i = 0; i < 200000; ++i) row += ",\"k" + std::to_string(i) + "\":1";
  row += "}]}";
  JsonRow json;
  ASSERT_EQ(json.parse(row), JsonRow::Status::kOk);
  Conversation conversation;
  ASSERT_TRUE(read_row_messages(json.root(), TurnParts::kExtra, conversation));
  EXPECT_EQ(conversation.messages[0].extra.size(), 200000u);
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
