#include "data/readers/row.h"

#include <gtest/gtest.h>

#include "data/readers/row_layouts.h"

namespace caravan::data {
namespace {

struct Parsed {
  RowOutcome outcome;
  Conversation conversation;
};

Parsed parse(RowFormat format, const std::string& text, RowContext context = {"s", {0, 1}}) {
  JsonRow json;
  Parsed parsed;
  parsed.outcome = parse_row(text, format, context, json, parsed.conversation);
  return parsed;
}

void expect_dropped(RowFormat format, const std::string& text, const std::string& reason) {
  const Parsed parsed = parse(format, text);
  EXPECT_EQ(parsed.outcome.fate, RowFate::kDropped) << text;
  EXPECT_EQ(parsed.outcome.reasons, std::vector<std::string>{reason}) << text;
}

TEST(Row, WhatATurnSaysBesidesItsTextIsKept) {
  const Parsed parsed =
      parse(RowFormat::kMessages, R"({"messages":[{"role":"user","content":"a","name":"x"},)"
                                  R"({"role":"assistant","content":"b","weight":0,"thinking":"t"}]})");
  ASSERT_EQ(parsed.outcome.fate, RowFate::kKept);
  EXPECT_EQ(parsed.conversation.messages[0].extra.dump(), R"({"name":"x"})");
  EXPECT_EQ(parsed.conversation.messages[1].extra.dump(), R"({"weight":0,"thinking":"t"})");
}

TEST(Row, ContentPartsAreJoinedAndReported) {
  const Parsed parsed = parse(
      RowFormat::kMessages,
      R"({"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","value":"b"}]},)"
      R"({"role":"assistant","content":[{"type":"reasoning","value":"r"},{"type":"tool_call","value":"{\"name\":\"f\",\"arguments\":{}}"}]},)"
      R"({"role":"tool","content":"t"},{"role":"assistant","content":"c"}]})");
  ASSERT_EQ(parsed.outcome.fate, RowFate::kRepaired);
  EXPECT_EQ(parsed.outcome.reasons, std::vector<std::string>{"repaired:content_parts"});
  EXPECT_EQ(parsed.conversation.messages[0].content, "ab");
  EXPECT_EQ(parsed.conversation.messages[1].extra["reasoning_content"], "r");
  EXPECT_EQ(parsed.conversation.messages[1].extra["tool_calls"][0]["function"]["name"], "f");
  expect_dropped(RowFormat::kMessages,
                 R"({"messages":[{"role":"user","content":[{"type":"image_url","image_url":{}}]}]})",
                 "unsupported_part:image_url");
}

TEST(Row, AlpacaHistoryComesFirst) {
  const Parsed parsed =
      parse(RowFormat::kAlpaca,
            R"({"instruction":"i","input":"x","output":"o","system":"s","history":[["a","b"]]})");
  ASSERT_EQ(parsed.conversation.messages.size(), 5u);
  EXPECT_EQ(parsed.conversation.messages[0].role, "system");
  EXPECT_EQ(parsed.conversation.messages[1].content, "a");
  EXPECT_EQ(parsed.conversation.messages[2].content, "b");
  EXPECT_EQ(parsed.conversation.messages[3].content, "i\n\nx");
  expect_dropped(RowFormat::kAlpaca, R"({"instruction":"i","output":"o","history":[["a"]]})",
                 "wrong_type:history");
}

TEST(Row, ResponseStandsForCompletion) {
  const Parsed parsed =
      parse(RowFormat::kPromptCompletion, R"({"prompt":"p","response":"r","system":"be kind"})");
  ASSERT_EQ(parsed.conversation.messages.size(), 3u);
  EXPECT_EQ(parsed.conversation.messages[0].content, "be kind");
  EXPECT_EQ(parsed.conversation.messages[2].content, "r");
  expect_dropped(RowFormat::kPromptCompletion, R"({"prompt":"p","response":"r","completion":"c"})",
                 "both_fields:completion,response");
}

TEST(Row, ToolsMayBeTheTextOfAList) {
  const std::string turns =
      R"("messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}])";
  EXPECT_EQ(parse(RowFormat::kMessages, "{" + turns + R"(,"tools":"[{\"name\":\"f\"}]"})")
                .conversation.tools.dump(),
            R"([{"name":"f"}])");
  EXPECT_TRUE(parse(RowFormat::kMessages, "{" + turns + R"(,"tools":[]})").conversation.tools.is_null());
  expect_dropped(RowFormat::kMessages, "{" + turns + R"(,"tools":"[{"})", "bad_tools");
  expect_dropped(RowFormat::kMessages, "{" + turns + R"(,"tools":{"name":"f"}})", "bad_tools");
  expect_dropped(RowFormat::kMessages, "{" + turns + R"(,"tools":[1e999]})", "number_out_of_range");
}

TEST(Row, ReasonsStayShort) {
  const Parsed parsed = parse(RowFormat::kMessages, R"({"messages":[{"role":")" + std::string(1 << 20, 'x') +
                                                        R"(","content":"a"}]})");
  ASSERT_EQ(parsed.outcome.fate, RowFate::kDropped);
  EXPECT_LT(parsed.outcome.reasons[0].size(), 80u);
  EXPECT_EQ(shorten(std::string(47, 'a') + "\xC3\xA9"), std::string(47, 'a') + "...");
}

TEST(Row, BlankIsUnicodes) {
  EXPECT_TRUE(is_blank(" \t\n\xC2\xA0\xE3\x80\x80\xE2\x80\x89\xE2\x80\xA8"));
  EXPECT_FALSE(is_blank("\xE2\x80\x8B"));  // zero-width space is no white space
  EXPECT_FALSE(is_blank(" a"));
}

TEST(Row, AnArrayElementIsNeverABlankLine) {
  EXPECT_EQ(parse(RowFormat::kMessages, "", {"s", {0, 1}, false, false, true}).outcome.fate,
            RowFate::kDropped);
  EXPECT_EQ(parse(RowFormat::kMessages, "").outcome.fate, RowFate::kIgnored);
}

TEST(Row, NothingIsLeftOfTheRowBefore) {
  JsonRow json;
  Conversation conversation;
  const RowContext context{"s", {0, 1}};
  parse_row(
      R"({"id":"one","tools":[{"name":"f"}],"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]})",
      RowFormat::kMessages, context, json, conversation);
  parse_row(R"({"messages":[{"role":"user","content":"c"},{"role":"assistant","content":"d"}]})",
            RowFormat::kMessages, context, json, conversation);
  EXPECT_EQ(conversation.id, "s_0");
  EXPECT_TRUE(conversation.tools.is_null());
  EXPECT_EQ(conversation.messages.size(), 2u);
}

}  // namespace
}  // namespace caravan::data
