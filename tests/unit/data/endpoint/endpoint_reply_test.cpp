#include "data/endpoint/endpoint_reply.h"

#include <gtest/gtest.h>

namespace caravan::data {
namespace {

EndpointReply chat(const std::string& body) {
  return read_endpoint_reply(body, EndpointApi::kChat);
}

TEST(EndpointReply, TextUsageAndEndAreRead) {
  const EndpointReply reply = chat(
      R"({"choices":[{"finish_reason":"length","message":{"content":"a\u00e9\n"}}],"usage":{"prompt_tokens":7,"completion_tokens":3}})");
  EXPECT_EQ(reply.text, "a\xC3\xA9\n");
  EXPECT_TRUE(reply.cut);
  EXPECT_EQ(reply.tokens, 10);
  EXPECT_EQ(
      chat(R"({"choices":[{"message":{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}}]})")
          .text,
      "ab");
  EXPECT_EQ(read_endpoint_reply(R"({"choices":[{"text":"x"}]})", EndpointApi::kCompletions).text, "x");
}

TEST(EndpointReply, WhatIsNoneHasAName) {
  EXPECT_EQ(chat("").problem, "invalid_json");
  EXPECT_EQ(chat(std::string(1 << 20, '[')).problem, "invalid_json");
  EXPECT_EQ(chat("{\"choices\":[{\"message\":{\"content\":\"\xff\"}}]}").problem, "invalid_json");
  EXPECT_EQ(chat(R"({"choices":[{"message":{"content":"\ud800"}}]})").problem, "invalid_json");
  EXPECT_EQ(chat("[]").problem, "wrong_schema:choices");
  EXPECT_EQ(chat(R"({"choices":[]})").problem, "wrong_schema:choices");
  EXPECT_EQ(chat(R"({"choices":{"message":1}})").problem, "wrong_schema:choices");
  EXPECT_EQ(chat(R"({"choices":[7]})").problem, "wrong_schema:message");
  EXPECT_EQ(chat(R"({"choices":[{"message":{"content":null}}]})").problem, "wrong_schema:content");
  EXPECT_TRUE(chat(R"({"choices":[{"message":{"content":7}}]})").unreadable);
  // A refusal is an answer.
  const EndpointReply refused = chat(R"({"choices":[{"message":{"content":null,"refusal":"no"}}]})");
  EXPECT_EQ(refused.problem, "refused");
  EXPECT_FALSE(refused.unreadable);
  EXPECT_EQ(chat(R"({"choices":[{"finish_reason":"content_filter","message":{"content":""}}]})").problem,
            "content_filter");
}

TEST(EndpointReply, BrokenCountsAreNone) {
  for (const char* usage :
       {R"({"prompt_tokens":-1})", R"({"prompt_tokens":1.5})", R"({"prompt_tokens":1e99})",
        R"({"prompt_tokens":99999999999})", R"({"prompt_tokens":"7"})", "[]", "7"}) {
    EXPECT_FALSE(
        chat(std::string(R"({"choices":[{"message":{"content":"a"}}],"usage":)") + usage + "}").tokens)
        << usage;
  }
}

TEST(EndpointReply, ErrorsAreShortAndOneLine) {
  const auto text = [](const std::string& body) { return endpoint_error_text(body, ""); };
  EXPECT_EQ(text(R"({"error":{"message":"no\nsuch model"}})"), "no such model");
  EXPECT_EQ(text(R"({"error":"gone"})"), "gone");
  EXPECT_EQ(text("<html>\x1b[2J"), "<html> [2J");
  EXPECT_EQ(text(std::string(100000, 'x')).size(), 300u);
}

TEST(EndpointReply, ErrorsOfEveryScriptAreShown) {
  const std::string told = "\u4f59\u989d\u4e0d\u8db3";
  EXPECT_EQ(endpoint_error_text("{\"error\":\"" + told + "\"}", ""), told);
  // 299 bytes and two of three: the cut is at the border of a character.
  EXPECT_EQ(endpoint_error_text(std::string(299, 'x') + told, ""), std::string(299, 'x'));
  EXPECT_EQ(endpoint_error_text(std::string(297, 'x') + told, ""), std::string(297, 'x') + "\u4f59");
}

TEST(EndpointReply, AKeyIsHiddenHoweverItIsWritten) {
  EXPECT_EQ(endpoint_error_text(R"({"error":"a k\/1 b k\u002f1"})", "k/1"), "a [key] b [key]");
  EXPECT_EQ(endpoint_error_text(R"({"x":"k\/1 k\\\/1 \u006B/1"})", "k/1"), R"({"x":"[key] [key] [key]"})");
  EXPECT_EQ(endpoint_error_text(R"({"x":"a\\\"b"})", R"(a\"b)"), R"({"x":"[key]"})");
  EXPECT_EQ(endpoint_error_text("k/2 ku002f1", "k/1"), "k/2 ku002f1");
  // Cut behind it, not through it.
  EXPECT_EQ(endpoint_error_text(std::string(290, 'x') + std::string(40, 'k'), std::string(40, 'k')),
            std::string(290, 'x') + "[key]");
  // In time that is linear in what came.
  EXPECT_EQ(endpoint_error_text(std::string(8 << 20, '\\'), "k/1"), std::string(300, '\\'));
}

}  // namespace
}  // namespace caravan::data
