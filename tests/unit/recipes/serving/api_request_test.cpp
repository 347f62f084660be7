// Bodies of requests: every form that clients send, and what is refused.
#include "recipes/serving/api_request.h"

#include <gtest/gtest.h>

#include "recipes/serving/api_error.h"

namespace caravan::recipes {
namespace {

using data::Json;

std::string refusal_of(const Json& body, bool chat = false) {
  try {
    if (chat)
      parse_chat_request(body);
    else
      parse_completion_request(body);
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status(), 400);
    return error.what();
  }
  return "";
}

TEST(ApiRequest, APromptHasFourForms) {
  const auto prompts = [](const Json& prompt) {
    return parse_completion_request({{"prompt", prompt}}).prompts;
  };
  EXPECT_EQ(prompts("a")[0].text, "a");
  EXPECT_EQ(prompts({"a", "b"})[1].text, "b");
  EXPECT_EQ(prompts({1, 2})[0].ids, (std::vector<std::int32_t>{1, 2}));
  const auto lists = prompts(Json::parse("[[1,2],[3]]"));
  ASSERT_EQ(lists.size(), 2u);
  EXPECT_FALSE(lists[1].text);
  EXPECT_EQ(lists[1].ids, (std::vector<std::int32_t>{3}));
}

TEST(ApiRequest, WhatLmEvalSendsIsRead) {
  const ApiRequest request = parse_completion_request(Json::parse(
      R"({"model":"m","prompt":[[1,2,3]],"temperature":0,"max_tokens":1,"logprobs":1,"seed":1234,"echo":true})"));
  EXPECT_TRUE(request.echo);
  EXPECT_EQ(request.sampling.logprobs, 1);
  EXPECT_EQ(request.sampling.max_tokens, 1);
  EXPECT_EQ(request.sampling.temperature, 0.0);
  EXPECT_EQ(request.sampling.seed, 1234u);
}

TEST(ApiRequest, WhatCannotBeHonouredIsRefused) {
  const auto with = [](const char* field, const Json& value) {
    Json body{{"prompt", "a"}};
    body[field] = value;
    return refusal_of(body);
  };
  EXPECT_EQ(refusal_of({{"prompt", "a"}}), "");
  EXPECT_NE(with("stream", true).find("stream"), std::string::npos);
  EXPECT_NE(with("temperature", -1).find("temperature: found -1; allowed: a number from 0"),
            std::string::npos);
  EXPECT_NE(with("max_tokens", 0).find("max_tokens"), std::string::npos);
  EXPECT_NE(with("max_tokens", 1.5).find("whole number"), std::string::npos);
  EXPECT_NE(with("n", 1000).find("n: found 1000"), std::string::npos);
  EXPECT_NE(with("stop", "").find("stop"), std::string::npos);
  EXPECT_NE(with("stop", Json(std::vector<std::string>(20, "x"))).find("up to 16"), std::string::npos);
  EXPECT_NE(with("logprobs", 100).find("logprobs"), std::string::npos);
  EXPECT_NE(with("frequency_penalty", 0.5).find("frequency_penalty"), std::string::npos);
  EXPECT_NE(with("seed", Json(UINT64_MAX)).find("seed"), std::string::npos);
  EXPECT_NE(with("n", "2").find("n: found \"2\""), std::string::npos);
  EXPECT_NE(with("best_of", "2").find("best_of: found \"2\""), std::string::npos);
  EXPECT_NE(with("best_of", 2).find("the same as n"), std::string::npos);
  EXPECT_NE(refusal_of({{"prompt", "a"}, {"best_of", 2}, {"n", "2"}}).find("n: found"), std::string::npos);
  EXPECT_EQ(refusal_of({{"prompt", "a"}, {"best_of", 2}, {"n", 2}}), "");
  EXPECT_EQ(refusal_of({{"prompt", "a"}, {"best_of", 1}, {"n", nullptr}}), "");
  EXPECT_EQ(with("frequency_penalty", 0.0), "");
  EXPECT_NE(refusal_of({{"prompt", Json::array()}}).find("prompt"), std::string::npos);
  EXPECT_NE(refusal_of({{"prompt", {1, "a"}}}).find("prompt"), std::string::npos);
  EXPECT_NE(refusal_of({{"prompt", {1, -2}}}).find("prompt"), std::string::npos);
  EXPECT_NE(refusal_of(Json::object()).find("prompt: is missing"), std::string::npos);
}

TEST(ApiRequest, AChatHasMessages) {
  const Json message{{"role", "user"}, {"content", "hi"}};
  EXPECT_EQ(refusal_of({{"messages", Json::array({message})}}, true), "");
  EXPECT_NE(refusal_of({{"messages", Json::array()}}, true), "");
  EXPECT_NE(refusal_of({{"messages", Json::array({Json{{"role", "user"}}})}}, true), "");
  EXPECT_NE(refusal_of({{"messages", Json::array({message})}, {"top_logprobs", 2}}, true), "");
  const ApiRequest request = parse_chat_request({{"messages", Json::array({message})},
                                                 {"logprobs", true},
                                                 {"top_logprobs", 2},
                                                 {"max_completion_tokens", 7}});
  EXPECT_EQ(request.sampling.logprobs, 2);
  EXPECT_EQ(request.sampling.max_tokens, 7);
}

TEST(ApiRequest, ABodyIsOneObject) {
  for (const char* body : {"", "[]", "{", "{\"a\":1}x", "\xff", "{\"a\":1,\"a\":2}"})
    EXPECT_THROW(parse_body(body), ApiError) << body;
  EXPECT_THROW(parse_body(std::string(100000, '[')), ApiError);
  EXPECT_EQ(parse_body("{\"a\":1}")["a"], 1);
}

}  // namespace
}  // namespace caravan::recipes
