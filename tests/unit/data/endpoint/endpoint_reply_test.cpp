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
  EXPECT_EQ(endpoint_error_text(R"({"error":{"message":"no\nsuch model"}})"), "no such model");
  EXPECT_EQ(endpoint_error_text(R"({"error":"gone"})"), "gone");
  EXPECT_EQ(endpoint_error_text("<html>\x1b[2J"), "<html> [2J");
  EXPECT_LE(endpoint_error_text(std::string(100000, 'x')).size(), 300u);
}

}  // namespace
}  // namespace caravan::data
