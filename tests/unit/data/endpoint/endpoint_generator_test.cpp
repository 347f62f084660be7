// The client against a server process that misbehaves on purpose.
#include "data/endpoint/endpoint_generator.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "data/error.h"
#include "tests/support/server.h"

namespace caravan::data {
namespace {

GenerationRequest ask(const std::string& text, std::uint64_t seed = 1) {
  return {.messages = {{"user", text, nullptr}}, .max_tokens = 100, .seed = seed};
}

class Endpoint : public testing::Test {
 protected:
  EndpointOptions options(const std::string& model = "misbehaves") const {
    EndpointOptions options;
    options.url = server_.url();
    options.model = model;
    options.concurrency = 4;
    options.timeout_seconds = 20;
    options.attempts = 3;
    options.backoff_seconds = 0.01;
    return options;
  }
  std::vector<Generation> run(const EndpointOptions& asked, const std::vector<GenerationRequest>& requests,
                              EndpointHooks hooks = {}) {
    EndpointGenerator generator(asked, log(), std::move(hooks));
    return generator.generate(requests);
  }
  std::string error_of(const EndpointOptions& asked, const std::vector<GenerationRequest>& requests,
                       EndpointHooks hooks = {}) {
    try {
      run(asked, requests, std::move(hooks));
    } catch (const Error& error) {
      return std::to_string(error.exit_code()) + " " + error.what();
    }
    return "no error";
  }
  // Beside one that is served, so that the server does not count as gone.
  std::string problem_of(const std::string& text, const EndpointOptions& asked) {
    return run(asked, {ask(text), ask("good, beside " + text)}).front().problem;
  }
  std::string log() const { return (dir_ / "log.jsonl").string(); }

  const tests::TempDir dir_;
  tests::Server server_;
};

TEST_F(Endpoint, AnswersComeInTheOrderOfTheRequests) {
  std::vector<GenerationRequest> requests;
  for (int i = 0; i < 40; ++i)
    requests.push_back(ask("slow " + std::to_string(0.001 * ((i * 7) % 10)) + " " + std::to_string(i)));
  requests.push_back(requests.front());  // the same request is asked once
  const std::vector<Generation> made = run(options(), requests);
  for (std::size_t i = 0; i < requests.size(); ++i)
    EXPECT_EQ(made[i].text, "done: " + requests[i].messages[0].content);
  const std::vector<Json> asked = server_.asked();
  EXPECT_EQ(asked.size(), 40u);
  std::set<int> connections;
  for (const Json& request : asked) connections.insert(request["connection"].get<int>());
  EXPECT_LE(connections.size(), 4u);  // kept open
  EXPECT_EQ(asked[0]["path"], "/v1/chat/completions");
  EXPECT_EQ(asked[0]["body"]["max_tokens"], 100);
  EXPECT_EQ(asked[0]["body"]["seed"], 1);
}

TEST_F(Endpoint, WhatFailsInPassingIsTriedAgain) {
  const std::vector<Generation> made =
      run(options(), {ask("status 500 2"), ask("status 503 1"), ask("status 429 2"), ask("cut 2"),
                      ask("invalid_json 1"), ask("status 408 1")});
  for (const Generation& generation : made)
    EXPECT_TRUE(generation.text.starts_with("done: ")) << generation.problem;
  EXPECT_EQ(server_.num_asked(), 3u + 2u + 3u + 3u + 2u + 2u);
}

TEST_F(Endpoint, WhatKeepsFailingIsAProblemOfItsRow) {
  EndpointOptions quick = options();
  quick.timeout_seconds = 0.3;
  quick.max_reply_bytes = 100'000;
  EXPECT_EQ(problem_of("status 500 99", quick), "http_500");
  EXPECT_EQ(problem_of("status 400 99", quick), "http_400");
  EXPECT_EQ(problem_of("never", quick), "timeout");
  EXPECT_EQ(problem_of("cut 99", quick), "cut");
  EXPECT_EQ(problem_of("long_length", quick), "cut");
  EXPECT_EQ(problem_of("short_length", quick), "invalid_json");
  EXPECT_EQ(problem_of("no_http", quick), "cut");
  EXPECT_EQ(problem_of("invalid_json 99", quick), "invalid_json");
  EXPECT_EQ(problem_of("deep", quick), "too_large");
  EXPECT_EQ(problem_of("not_utf8", quick), "invalid_json");
  EXPECT_EQ(problem_of("wrong_schema", quick), "wrong_schema:content");
  EXPECT_EQ(problem_of("huge 200000", quick), "too_large");
  EXPECT_EQ(problem_of("endless", quick), "too_large");
  EXPECT_EQ(problem_of("refusal", quick), "refused");
  EXPECT_EQ(run(options(), {ask("length")}).front().cut, true);
}

TEST_F(Endpoint, AnswersAreNeverAskedForTwice) {
  const std::vector<GenerationRequest> requests{ask("a"), ask("b"), ask("refusal"), ask("a", 2)};
  run(options(), requests);
  EXPECT_EQ(server_.num_asked(), 4u);
  const std::vector<Generation> again = run(options(), requests);
  EXPECT_EQ(server_.num_asked(), 4u);
  EXPECT_EQ(again[0].text, "done: a");
  EXPECT_EQ(again[2].problem, "refused");
  run(options(), {ask("a", 3)});  // another draw
  EXPECT_EQ(server_.num_asked(), 5u);
}

TEST_F(Endpoint, RetryAfterHoldsAllRequests) {
  EndpointOptions one = options();
  one.concurrency = 1;
  const auto began = std::chrono::steady_clock::now();
  const std::vector<Generation> made = run(one, {ask("retry_after 1"), ask("b"), ask("c")});
  EXPECT_EQ(made[0].text, "done: retry_after 1");
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(990));
  // Longer than allowed: stopped, and what was asked before is kept.
  one.max_retry_after_seconds = 5;
  EXPECT_TRUE(error_of(one, {ask("d"), ask("retry_after 60")}).find("60 s (Retry-After)") !=
              std::string::npos);
  EXPECT_TRUE(error_of(one, {ask("e"), ask("retry_after 61"), ask("f")}).starts_with("75 "));
}

TEST_F(Endpoint, ALongRetryAfterOfTheLastAttemptStopsTheRunToo) {
  EndpointOptions once = options();
  once.attempts = 1;
  once.max_retry_after_seconds = 5;
  EXPECT_TRUE(error_of(once, {ask("good"), ask("retry_after 60")}).starts_with("75 "));
  EXPECT_EQ(run(once, {ask("good"), ask("retry_after 60")})[1].text, "done: retry_after 60");
}

TEST_F(Endpoint, TheBudgetIsNeverExceeded) {
  EndpointOptions poor = options();
  poor.concurrency = 2;
  poor.max_requests = 3;
  std::vector<GenerationRequest> requests;
  for (int i = 0; i < 5; ++i) requests.push_back(ask("r" + std::to_string(i)));
  const std::string error = error_of(poor, requests);
  EXPECT_TRUE(error.starts_with("75 ")) << error;
  EXPECT_NE(error.find("3 requests and 45 tokens are spent"), std::string::npos) << error;
  EXPECT_EQ(server_.num_asked(), 3u);
  EXPECT_TRUE(error_of(poor, requests).starts_with("75 "));  // also by the next run
  EXPECT_EQ(server_.num_asked(), 3u);
  // In tokens: a request takes 15, and may take 134.
  poor.max_requests.reset();
  poor.max_total_tokens = 45 + 15 + 133;
  EXPECT_NE(error_of(poor, requests).find("4 requests and 60 tokens"), std::string::npos);
  poor.max_total_tokens = 45 + 15 + 134;
  EXPECT_EQ(run(poor, requests).back().text, "done: r4");
  EXPECT_EQ(server_.num_asked(), 5u);
}

TEST_F(Endpoint, WhatWaitsForTheBudgetSleeps) {
  EndpointOptions poor = options();
  poor.max_total_tokens = 200;  // for one at a time
  int looks = 0;
  const std::vector<Generation> made =
      run(poor, {ask("slow 0.5"), ask("b")}, {.progress = [&](const EndpointCounts&) { ++looks; }});
  EXPECT_EQ(made[1].text, "done: b");
  EXPECT_EQ(server_.num_asked(), 2u);
  EXPECT_LT(looks, 100);
}

TEST_F(Endpoint, WhatMayHaveBeenChargedCounts) {
  EndpointOptions poor = options();
  poor.attempts = 1;
  EndpointGenerator generator(poor, log());
  generator.generate(std::vector{ask("cut 9"), ask("good"), ask("status 500 9"), ask("no_usage")});
  // 15 as told; 100 + 2 x 16 + the bytes where nobody told; nothing for the 500.
  EXPECT_EQ(generator.log().tokens_spent(), 15 + (132 + 5) + (132 + 8));
}

TEST_F(Endpoint, TheKeyStaysInTheHeader) {
  setenv("CARAVAN_TEST_KEY", "sk-secret-77", 1);
  EndpointOptions keyed = options();
  keyed.key_variable = "CARAVAN_TEST_KEY";
  const std::vector<Generation> made = run(keyed, {ask("tells_key"), ask("good")});
  EXPECT_EQ(server_.asked()[0]["authorization"], "Bearer sk-secret-77");
  EXPECT_EQ(made[0].problem, "key_in_answer");
  const std::string error = error_of(keyed, {ask("status 401 9")});
  EXPECT_NE(error.find("no: Bearer [key]"), std::string::npos) << error;
  EXPECT_EQ(error.find("secret"), std::string::npos) << error;
  EXPECT_EQ(tests::read_bytes(log()).find("secret"), std::string::npos);
  EXPECT_EQ(EndpointGenerator(keyed, (dir_ / "other").string()).name().find("secret"), std::string::npos);
}

TEST_F(Endpoint, AKeyThatIsQuotedWithEscapesIsHiddenToo) {
  setenv("CARAVAN_TEST_KEY", "sk-ab/cd-secret/77", 1);
  EndpointOptions keyed = options();
  keyed.key_variable = "CARAVAN_TEST_KEY";
  for (const char* where : {"0", "1", "2", "3"}) {
    const std::string error = error_of(keyed, {ask(std::string("quotes_key ") + where)});
    EXPECT_TRUE(error.starts_with("74 ")) << error;
    EXPECT_NE(error.find("Bearer [key]"), std::string::npos) << error;
    for (const char* part : {"sk-ab", "cd-secret"}) EXPECT_EQ(error.find(part), std::string::npos) << error;
    EXPECT_EQ(problem_of(std::string("answers_key ") + where, keyed), "key_in_answer");
  }
  EXPECT_EQ(tests::read_bytes(log()).find("secret"), std::string::npos);
}

TEST_F(Endpoint, AServerThatServesNobodyEndsTheRun) {
  EXPECT_TRUE(error_of(options(), {ask("redirect")}).starts_with("74 "));
  EXPECT_NE(error_of(options(), {ask("redirect")}).find("redirects are refused"), std::string::npos);
  EXPECT_TRUE(error_of(options(), {ask("status 404 9")}).starts_with("74 "));
  EXPECT_NE(error_of(options(), {ask("status 400 9"), ask("status 422 9")}).find("none of 2 requests"),
            std::string::npos);
  std::vector<GenerationRequest> many{ask("good")};
  for (int i = 0; i < 20; ++i) many.push_back(ask("status 500 " + std::to_string(100 + i)));
  EXPECT_NE(error_of(options(), many).find("8 requests in a row"), std::string::npos);
  server_.kill();
  EXPECT_TRUE(error_of(options(), {ask("anyone?")}).starts_with("74 "));
}

TEST_F(Endpoint, AStopKeepsWhatHadCome) {
  int looks = 0;
  EndpointOptions slow = options();
  slow.concurrency = 2;
  std::vector<GenerationRequest> requests;
  for (int i = 0; i < 50; ++i) requests.push_back(ask("slow 0.02 " + std::to_string(i)));
  const std::string error = error_of(slow, requests, {.stop = [&] { return ++looks > 6; }});
  EXPECT_TRUE(error.starts_with("75 ")) << error;
  const std::size_t asked = server_.num_asked();
  EXPECT_LT(asked, 50u);
  const EndpointOptions same = slow;
  run(same, requests);
  EXPECT_EQ(server_.num_asked(), 50u);  // nothing twice
}

TEST_F(Endpoint, CompletionsTakeAPromptByTemplate) {
  EndpointOptions plain = options("echo");
  plain.api = EndpointApi::kCompletions;
  GenerationRequest request = ask("Hello");
  request.messages.insert(request.messages.begin(), {"system", "Be brief.", nullptr});
  run(plain, {request});
  plain.prompt_template = "tulu";
  run(plain, {request});
  const std::vector<Json> asked = server_.asked();
  EXPECT_EQ(asked[0]["path"], "/v1/completions");
  EXPECT_EQ(asked[0]["body"]["prompt"], "Be brief.\n\nHello");
  EXPECT_EQ(asked[1]["body"]["prompt"], "<|system|>\nBe brief.\n<|user|>\nHello\n<|assistant|>\n");
}

}  // namespace
}  // namespace caravan::data
