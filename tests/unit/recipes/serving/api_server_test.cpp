// The server on real sockets: answers equal to caravan score and generate, many connections at once, limits,
// who may ask, and the end by a signal.
#include "recipes/serving/api_server.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <chrono>
#include <future>

#include "data/error.h"
#include "recipes/commands/generate.h"
#include "recipes/commands/score.h"
#include "recipes/commands/serve.h"
#include "recipes/serving/api_error.h"
#include "tests/unit/recipes/commands/demo_checkpoint.h"
#include "tests/unit/recipes/serving/served.h"

namespace caravan::recipes {
namespace {

using data::Json;
using tests::demo_checkpoint;
using tests::Served;

const std::vector<std::int32_t> kIds = {5, 60, 7, 8, 90, 11};

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

constexpr auto kPatience = std::chrono::seconds(60);

TEST(Engine, TheOneTokenThatIsAStopIdEndsTheText) {
  const auto model = load_model(demo_checkpoint(), "fp32", at::kCPU);
  const auto answer = [&](std::vector<std::int64_t> stop_ids) {
    CompletionEngine engine(*model, {.stop_ids = std::move(stop_ids)}, 8);
    EngineJob job{.prompt = kIds, .max_tokens = 1, .score_prompt = true};
    return engine.submit(job).wait(std::chrono::steady_clock::now() + kPatience).at(0).completion;
  };
  const models::Completion free = answer({});
  EXPECT_EQ(free.finish_reason, models::FinishReason::kLength);
  EXPECT_EQ(answer({free.ids[0]}).finish_reason, models::FinishReason::kStop);
}

// The long one ends as soon as the other is being answered, which it waits for.
TEST(Engine, AShortRequestDoesNotWaitForALongOneToEnd) {
  const auto model = load_model(demo_checkpoint(), "fp32", at::kCPU);
  CompletionEngine engine(*model, {}, 8);
  std::promise<void> at_work, asked;
  auto is_asked = asked.get_future();
  std::atomic<bool> begun{false};
  EngineJob long_one{.prompt = kIds, .max_tokens = 100};
  long_one.stop_check = [&] {
    return [&, tokens = 0](std::int32_t) mutable {
      if (tokens++ == 0) {
        at_work.set_value();
        is_asked.wait();
      }
      return begun.load();
    };
  };
  EngineJob short_one{.prompt = {8, 9}, .max_tokens = 1};
  short_one.stop_check = [&] { return [&](std::int32_t) { return begun = true; }; };
  auto first = engine.submit(long_one);
  at_work.get_future().wait();
  auto second = engine.submit(short_one);
  asked.set_value();
  const auto until = std::chrono::steady_clock::now() + kPatience;
  EXPECT_EQ(second.wait(until).size(), 1u);
  EXPECT_EQ(first.wait(until)[0].completion.finish_reason, models::FinishReason::kStop);
}

TEST(Engine, SeveralAnswersToOnePromptAreAsAlone) {
  const auto model = load_model(demo_checkpoint(), "fp32", at::kCPU);
  CompletionEngine engine(*model, {.batch_size = 2}, 8);
  const auto until = std::chrono::steady_clock::now() + kPatience;
  EngineJob job{
      .prompt = kIds, .n = 3, .max_tokens = 6, .sampling = {.temperature = 1.5}, .key = 5, .top = 2};
  const auto together = engine.submit(job).wait(until);
  ASSERT_EQ(together.size(), 3u);
  job.n = 1;
  for (std::size_t i = 0; i < 3; ++i) {
    job.key = i == 0 ? 5 : models::sampling_key(5, i);
    const EngineAnswer alone = engine.submit(job).wait(until).at(0);
    EXPECT_EQ(together[i].completion.ids, alone.completion.ids);
    EXPECT_EQ(together[i].log_probs, alone.log_probs);
    EXPECT_EQ(together[i].tops.size(), kIds.size() + together[i].completion.ids.size());
  }
  EXPECT_EQ(engine.in_flight(), 0);
  job.n = 9;
  EXPECT_THROW(engine.submit(job), ApiError) << "more than the queue holds";
  const EngineJob read{.prompt = kIds, .n = 2, .max_tokens = 1, .score_prompt = true};
  const auto read_answers = engine.submit(read).wait(until);
  ASSERT_EQ(read_answers.size(), 2u);
  EXPECT_EQ(read_answers[0].completion.ids, read_answers[1].completion.ids);
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
  const auto reply = served.post("/v1/completions", stopping);
  const Json choice = reply.json["choices"][0];
  EXPECT_EQ(choice["text"], whole.substr(0, whole.find(stop)));
  EXPECT_EQ(choice["finish_reason"], "stop");
  EXPECT_LT(choice["logprobs"]["tokens"].size(), 24u);
  EXPECT_LT(reply.json["usage"]["completion_tokens"], 24) << "nothing is written behind it";
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
  EXPECT_EQ(served.post("/tokenize", {{"prompt", "a"}, {"add_special_tokens", "no"}}).status, 400);
  EXPECT_EQ(served
                .post("/tokenize", {{"messages", Json::array({Json{{"role", "user"}, {"content", "a"}}})},
                                    {"add_generation_prompt", 1}})
                .status,
            400);
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
  EXPECT_EQ(served.get("/v1/models", {{"Host", "127.evil.example"}}).status, 403);
  EXPECT_EQ(served.get("/v1/models", {{"Host", "127.0.0.1.evil.example:80"}}).status, 403);
  for (const char* host : {"localhost:1234", "127.0.0.1:1234", "127.8.9.10", "[::1]:1234", "::1"})
    EXPECT_EQ(served.get("/v1/models", {{"Host", host}}).status, 200) << host;
  EXPECT_EQ(served.get("/v1/models", {{"Origin", "http://evil.example"}}).status, 403);
  EXPECT_EQ(served.get("/v1/models", {{"Origin", "null"}}).status, 403);
  EXPECT_EQ(served.get("/v1/models", {{"Origin", "http://localhost:3000"}}).status, 200);
  ServingOptions options;
  options.host = "127.evil.example";
  EXPECT_THROW(check_binding(options), data::Error);
}

std::size_t peak_memory_mib() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<std::size_t>(used.ru_maxrss) / 1024;
}

// A client that says what it likes: the answer to `bytes`, or as much as came before the server hung up.
std::string say(int port, const std::string& head, const std::string& again, std::size_t times) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  bool taken = ::send(socket, head.data(), head.size(), MSG_NOSIGNAL) == std::ssize(head);
  for (std::size_t i = 0; i < times && taken; ++i)
    taken = ::send(socket, again.data(), again.size(), MSG_NOSIGNAL) == std::ssize(again);
  std::string answer(4096, '\0');
  const timeval patience{20, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const ssize_t got = ::recv(socket, answer.data(), answer.size(), 0);
  EXPECT_FALSE(got < 0 && errno == EAGAIN) << "the server still waits for more";
  ::close(socket);
  return answer.substr(0, static_cast<std::size_t>(std::max<ssize_t>(got, 0))) + (taken ? "" : " (hung up)");
}

// None of them says how long it is.
TEST(ApiServer, RequestsWithoutEndAreCutOff) {
  ServingOptions options;
  options.body_bytes = 100'000;
  const Served served(options);
  const std::size_t before = peak_memory_mib();
  const std::string mib(1 << 20, 'a');
  const std::string start = "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n";
  const auto over = [](const std::string& answer) {
    return answer.empty() || answer.ends_with("(hung up)") || answer.starts_with("HTTP/1.1 4");
  };
  EXPECT_TRUE(over(say(served.port(), "GET /", mib, 300)));
  EXPECT_TRUE(over(say(served.port(), start, "a: b\r\n", 2'000'000)));
  EXPECT_TRUE(over(
      say(served.port(), start + "Transfer-Encoding: chunked\r\n\r\n", "100000\r\n" + mib + "\r\n", 300)));
  EXPECT_TRUE(over(say(served.port(), start + "Transfer-Encoding: what\r\n\r\n", mib, 300)));
  EXPECT_LT(peak_memory_mib(), before + 100);
  EXPECT_EQ(served.get("/health").status, 200) << "it still answers";
}

// 16 KiB that would be 16 MiB.
TEST(ApiServer, CompressedBodiesAreRefused) {
  const Served served;
  const auto reply = served.post("/v1/completions", {{"prompt", "a"}}, {{"Content-Encoding", "gzip"}});
  EXPECT_EQ(reply.status, 415);
  const std::string answer = say(served.port(),
                                 "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: "
                                 "gzip\r\nContent-Length: 40\r\n\r\nGET /health HTTP/1.1\r\n\r\n",
                                 "", 0);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 415")) << answer;
  EXPECT_EQ(answer.find("200"), std::string::npos) << "a body is no request";
}

TEST(ApiServer, EndsRightAfterItBegan) {
  Served served;
  for (int i = 0; i < 30; ++i) served.restart();
  EXPECT_EQ(served.get("/health").status, 200);
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
