// The server on real sockets: answers equal to caravan score and generate, many connections at once, limits,
// who may ask, and the end by a signal.
#include "recipes/serving/api_server.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <future>

#include "data/error.h"
#include "recipes/commands/generate.h"
#include "recipes/commands/score.h"
#include "recipes/commands/serve.h"
#include "tests/unit/recipes/commands/demo_checkpoint.h"
#include "tests/unit/recipes/serving/served.h"

namespace caravan::recipes {
namespace {

using data::Json;
using tests::demo_checkpoint;
using tests::Served;

const Json kIds = {5, 60, 7, 8, 90, 11};

TEST(ApiServer, EchoedScoresAreThoseOfScore) {
  const Served served;
  const auto reply = served.post("/v1/completions", {{"prompt", Json::array({kIds})},
                                                     {"temperature", 0},
                                                     {"max_tokens", 1},
                                                     {"logprobs", 1},
                                                     {"echo", true}});
  ASSERT_EQ(reply.status, 200) << reply.json;
  const Json& scores = reply.json["choices"][0]["logprobs"];
  ASSERT_EQ(scores["token_logprobs"].size(), 7u) << "six of the prompt and one that was written";
  EXPECT_TRUE(scores["token_logprobs"][0].is_null());
  const tests::Ran ran =
      tests::run_lines(run_score, {"--model", demo_checkpoint()}, Json{{"ids", kIds}}.dump() + "\n");
  for (std::size_t i = 1; i < 6; ++i)
    EXPECT_NEAR(scores["token_logprobs"][i].get<double>(), ran.rows[0]["log_probs"][i].get<double>(), 1e-4);
  // What lm-eval relies on: greedy is where the largest of the likeliest equals the token's own.
  const Json last = scores["top_logprobs"][6];
  EXPECT_EQ(last.begin().value(), scores["token_logprobs"][6]);
  for (std::size_t i = 1; i < 6; ++i)
    EXPECT_GE(scores["top_logprobs"][i].begin().value().get<double>(),
              scores["token_logprobs"][i].get<double>());
}

TEST(ApiServer, TheOneTokenIsTheOneThatGenerationWrites) {
  const Served served;
  const Json body{{"prompt", kIds}, {"temperature", 0}, {"max_tokens", 1}};
  Json echo = body;
  echo["logprobs"] = 1;
  echo["echo"] = true;
  const auto plain = served.post("/v1/completions", body), scored = served.post("/v1/completions", echo);
  const std::string whole = scored.json["choices"][0]["text"], text = plain.json["choices"][0]["text"];
  EXPECT_TRUE(whole.ends_with(text)) << whole << " / " << text;
}

TEST(ApiServer, AChatAnswersAsGenerate) {
  const Served served;
  const Json messages = Json::array({Json{{"role", "user"}, {"content", "2 plus 3?"}}});
  const auto reply = served.post("/v1/chat/completions", {{"messages", messages},
                                                          {"temperature", 0},
                                                          {"max_tokens", 12},
                                                          {"logprobs", true},
                                                          {"top_logprobs", 2}});
  ASSERT_EQ(reply.status, 200) << reply.json;
  const tests::Ran ran = tests::run_lines(
      run_generate, {"--model", demo_checkpoint(), "--max-new-tokens", "12", "--temperature", "0"},
      Json{{"messages", messages}}.dump() + "\n");
  const Json& choice = reply.json["choices"][0];
  EXPECT_EQ(choice["message"]["content"], ran.rows[0]["text"]);
  const Json& content = choice["logprobs"]["content"];
  ASSERT_EQ(content.size(), ran.rows[0]["ids"].size());
  EXPECT_EQ(content[0]["top_logprobs"].size(), 2u);
  EXPECT_NEAR(content[0]["top_logprobs"][0]["logprob"].get<double>(), content[0]["logprob"].get<double>(),
              1e-3);
  EXPECT_EQ(reply.json["usage"]["completion_tokens"], content.size());
}

TEST(ApiServer, ASeedGivesTheSameAnswerInAnyCompany) {
  const Served served;
  const Json body{{"prompt", kIds}, {"temperature", 1.5}, {"seed", 7}, {"n", 3}, {"max_tokens", 16}};
  const Json alone = served.post("/v1/completions", body).json["choices"];
  std::vector<std::future<Json>> others;
  for (int i = 0; i < 8; ++i)
    others.push_back(std::async(std::launch::async, [&, i] {
      Json other = body;
      if (i % 2 == 1) other["seed"] = i;
      return served.post("/v1/completions", other).json["choices"];
    }));
  for (int i = 0; i < 8; ++i) {
    const Json found = others[static_cast<std::size_t>(i)].get();
    ASSERT_EQ(found.size(), 3u);
    if (i % 2 == 0) {
      EXPECT_EQ(found, alone);
    }
  }
  EXPECT_NE(alone[0]["text"], alone[1]["text"]);
}

TEST(ApiServer, AStopTextEndsTheAnswerAndIsNoPartOfIt) {
  const Served served;
  const Json body{{"prompt", kIds}, {"temperature", 0}, {"max_tokens", 24}, {"logprobs", 0}};
  const std::string whole = served.post("/v1/completions", body).json["choices"][0]["text"];
  ASSERT_GT(whole.size(), 6u);
  // One whole character from the middle on.
  const auto goes_on = [&](std::size_t at) {
    return at < whole.size() && (static_cast<unsigned char>(whole[at]) & 0xC0u) == 0x80u;
  };
  std::size_t begin = whole.size() / 2;
  while (goes_on(begin)) ++begin;
  std::size_t end = begin + 1;
  while (goes_on(end)) ++end;
  const std::string stop = whole.substr(begin, end - begin);
  Json stopping = body;
  stopping["stop"] = stop;
  const Json choice = served.post("/v1/completions", stopping).json["choices"][0];
  EXPECT_EQ(choice["text"], whole.substr(0, whole.find(stop)));
  EXPECT_EQ(choice["finish_reason"], "stop");
  EXPECT_LT(choice["logprobs"]["tokens"].size(), 24u);
}

TEST(ApiServer, ClientsFindTheModelAndItsTokenizer) {
  const Served served;
  EXPECT_EQ(served.get("/health").status, 200);
  EXPECT_EQ(served.get("/v1/models").json["data"][0]["id"], "demo");
  const Json info = served.get("/tokenizer_info").json;
  ASSERT_TRUE(info.contains("eos_token")) << info;
  const Json eos =
      served.post("/tokenize", {{"prompt", info["eos_token"]}, {"add_special_tokens", false}}).json;
  EXPECT_EQ(eos["count"], 1) << eos;
  const Json ids = served.post("/tokenize", {{"prompt", "two plus two"}}).json["tokens"];
  EXPECT_EQ(served.post("/detokenize", {{"tokens", ids}}).json["prompt"], "two plus two");
}

TEST(ApiServer, EveryRefusalIsJsonWithAReason) {
  ServingOptions options;
  options.body_bytes = 100'000;
  options.prompts = 4;
  const Served served(options);
  const auto message = [](const tests::Served::Reply& reply) {
    return reply.json["error"].value("message", "");
  };
  EXPECT_EQ(served.get("/nowhere").status, 404);
  EXPECT_NE(message(served.get("/nowhere")).find("/v1/completions"), std::string::npos);
  EXPECT_EQ(served.post("/v1/completions", {{"prompt", "a"}, {"model", "other"}}).status, 404);
  EXPECT_EQ(served.post("/v1/completions", {{"prompt", std::string(200'000, 'a')}}).status, 413);
  EXPECT_EQ(served.post("/v1/completions", {{"prompt", "a"}, {"n", 5}}).status, 400);
  EXPECT_EQ(served.post("/v1/completions", {{"prompt", {1, 100000}}}).status, 400);
  EXPECT_EQ(served.post("/v1/completions", {{"prompt", {1}}, {"max_tokens", 1000000}}).status, 400);
  EXPECT_EQ(served.post("/v1/completions", Json::array()).status, 400);
  EXPECT_EQ(served.get("/health").status, 200) << "it still answers";
}

TEST(ApiServer, AFullQueueAndAClosedEngineSayLater) {
  ServingOptions options;
  options.queue = 1;
  Served served(options);
  EXPECT_EQ(served.post("/v1/completions", {{"prompt", kIds}, {"n", 2}, {"max_tokens", 200}}).status, 503);
  served.engine().close();
  EXPECT_EQ(served.post("/v1/completions", {{"prompt", kIds}}).status, 503);
}

TEST(ApiServer, OthersNeedAToken) {
  ServingOptions options;
  options.host = "0.0.0.0";
  EXPECT_THROW(check_binding(options), data::Error);
  options.host = "127.0.0.1";
  options.token = "a token of 16 letters";
  const Served served(options);
  EXPECT_EQ(served.get("/v1/models").status, 401);
  EXPECT_EQ(served.get("/v1/models", {{"Authorization", "Bearer wrong"}}).status, 401);
  EXPECT_EQ(served.get("/v1/models", {{"Authorization", "Bearer " + options.token}}).status, 200);
  EXPECT_EQ(served.get("/health").status, 200);
}

TEST(ApiServer, APageOfAnotherHostIsRefused) {
  const Served served;
  EXPECT_EQ(served.get("/v1/models", {{"Host", "evil.example"}}).status, 403);
  EXPECT_EQ(served.get("/v1/models", {{"Host", "localhost:1234"}}).status, 200);
}

TEST(ServeCommand, EndsOnASignal) {
  const std::vector<std::string> args{"--model", demo_checkpoint(), "--port", "0"};
  auto code = std::async(std::launch::async, [&] { return run_serve(args); });
  std::this_thread::sleep_for(std::chrono::seconds(1));
  ASSERT_EQ(code.wait_for(std::chrono::seconds(0)), std::future_status::timeout) << "it serves";
  raise(SIGTERM);
  ASSERT_EQ(code.wait_for(std::chrono::seconds(30)), std::future_status::ready);
  EXPECT_EQ(code.get(), 0);
}

}  // namespace
}  // namespace caravan::recipes
