// Completions: the same in any company, ended by the right thing, and refused with a reason.
#include "models/generation/generator.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <stdexcept>

#include "models/error.h"
#include "tests/unit/models/generation/tiny_model.h"

namespace caravan::models {
namespace {

using tests::make_tiny;
using tests::tiny_prompt;

std::vector<GenerationRequest> requests(std::size_t count, const SamplingOptions& sampling) {
  std::vector<GenerationRequest> all;
  for (std::size_t i = 0; i < count; ++i)
    all.push_back(
        {.index = i,
         .prompt = tiny_prompt(static_cast<std::int64_t>(3 + 29 * i % 90), static_cast<std::int32_t>(i)),
         .max_new_tokens = static_cast<std::int64_t>(1 + 7 * i % 40),
         .sampling = sampling,
         .key = sampling_key(11, i)});
  return all;
}

std::map<std::size_t, Completion> run(Generator& generator, const std::vector<GenerationRequest>& all) {
  std::map<std::size_t, Completion> completions;
  std::size_t at = 0;
  generator.run([&]() { return at < all.size() ? std::optional(all[at++]) : std::nullopt; },
                [&](std::size_t index, Completion completion) {
                  EXPECT_TRUE(completions.emplace(index, std::move(completion)).second)
                      << index << " came twice";
                });
  return completions;
}

void expect_equal(const std::map<std::size_t, Completion>& a, const std::map<std::size_t, Completion>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [index, completion] : a) {
    EXPECT_EQ(completion.ids, b.at(index).ids) << index;
    EXPECT_EQ(completion.log_probs, b.at(index).log_probs) << index;  // bit for bit
    EXPECT_EQ(completion.finish_reason, b.at(index).finish_reason) << index;
  }
}

class GeneratorTest : public testing::TestWithParam<at::ScalarType> {};

TEST_P(GeneratorTest, ACompletionIsTheSameInAnyBatchAndOnAnyNumberOfThreads) {
  const auto model = make_tiny({.dtype = GetParam()});
  for (const SamplingOptions& sampling :
       {SamplingOptions{}, SamplingOptions{.temperature = 1.0, .top_k = 40, .top_p = 0.95}}) {
    const auto all = requests(23, sampling);
    const auto with = [&](std::int64_t batch_size, std::int64_t prefill_tokens) {
      Generator generator(
          *model, {.batch_size = batch_size, .prefill_tokens = prefill_tokens, .stop_ids = {2, 5, 9}});
      return run(generator, all);
    };
    const auto alone = with(1, 1);
    EXPECT_EQ(alone.size(), 23u);
    expect_equal(alone, with(4, 100));
    expect_equal(alone, with(64, 4096));
    const int threads = at::get_num_threads();
    at::set_num_threads(threads > 1 ? 1 : 3);
    expect_equal(alone, with(7, 4096));
    at::set_num_threads(threads);
  }
}

INSTANTIATE_TEST_SUITE_P(Both, GeneratorTest, testing::Values(at::kFloat, at::kBFloat16),
                         [](const auto& test) { return test.param == at::kFloat ? "fp32" : "bf16"; });

TEST(Generation, EndsAtAStopIdOrAtTheLength) {
  const auto model = make_tiny();
  Generator free(*model, {});
  const auto all = requests(1, {});
  GenerationRequest request = all.front();
  request.max_new_tokens = 12;
  const Completion whole = run(free, {request}).at(0);
  EXPECT_EQ(whole.finish_reason, FinishReason::kLength);
  ASSERT_EQ(whole.ids.size(), 12u);
  EXPECT_EQ(whole.log_probs.size(), 12u);
  const auto stop = whole.ids[5];
  const auto first =
      static_cast<std::size_t>(std::find(whole.ids.begin(), whole.ids.end(), stop) - whole.ids.begin());
  Generator stopping(*model, {.stop_ids = {stop}});
  const Completion stopped = run(stopping, {request}).at(0);
  EXPECT_EQ(stopped.finish_reason, FinishReason::kStop);
  EXPECT_EQ(stopped.ids, std::vector<std::int32_t>(
                             whole.ids.begin(), whole.ids.begin() + static_cast<std::ptrdiff_t>(first) + 1))
      << "the stop id is part of the ids";
}

TEST(Generation, WhatComesLaterIsTakenInWhileOthersAreAtWork) {
  const auto model = make_tiny();
  const std::vector<GenerationRequest> all{{.index = 0, .prompt = tiny_prompt(5, 1), .max_new_tokens = 40},
                                           {.index = 1, .prompt = tiny_prompt(7, 2), .max_new_tokens = 2}};
  Generator generator(*model, {});
  int asked = 0;
  std::vector<std::size_t> order;
  generator.run(
      [&]() -> std::optional<GenerationRequest> {
        ++asked;
        if (asked == 1) return all[0];
        if (asked == 5) return all[1];
        return std::nullopt;
      },
      [&](std::size_t index, const Completion&) { order.push_back(index); });
  EXPECT_EQ(order, (std::vector<std::size_t>{1, 0}));
}

TEST(Generation, MemoryComesBack) {
  const auto model = make_tiny();
  Generator generator(*model, {.batch_size = 3});
  run(generator, requests(9, {}));
  EXPECT_EQ(generator.decoder().cache().pages_in_use(), 0);
}

using Samples = std::map<std::pair<std::size_t, std::int64_t>, Completion>;

Samples run_samples(Generator& generator, const std::vector<GenerationRequest>& all) {
  Samples samples;
  std::size_t at = 0;
  generator.run([&]() { return at < all.size() ? std::optional(all[at++]) : std::nullopt; },
                [&](std::size_t index, Completion completion) {
                  const std::pair which{index, completion.sample};
                  EXPECT_TRUE(samples.emplace(which, std::move(completion)).second);
                });
  EXPECT_EQ(generator.decoder().cache().pages_in_use(), 0);
  return samples;
}

std::vector<GenerationRequest> groups() {
  auto all = requests(5, {.temperature = 1.0});
  for (std::size_t i = 0; i < all.size(); ++i) all[i].completions = static_cast<std::int64_t>(1 + 4 * i % 7);
  return all;
}

TEST(Groups, ReadAPromptOnceAndSampleAsIfEachCompletionWereAlone) {
  const auto model = make_tiny({.dtype = at::kBFloat16});
  const auto all = groups();
  Samples wanted;
  for (const GenerationRequest& request : all)
    for (std::int64_t sample = 0; sample < request.completions; ++sample) {
      GenerationRequest alone = request;
      alone.completions = 1;
      if (sample > 0) alone.key = sampling_key(request.key, static_cast<std::uint64_t>(sample));
      Generator generator(*model, {.stop_ids = {5}});
      wanted[{request.index, sample}] = run(generator, {alone}).begin()->second;
    }
  for (const std::int64_t batch_size : {1, 2, 6, 64}) {
    Generator generator(*model, {.batch_size = batch_size, .stop_ids = {5}});
    const Samples found = run_samples(generator, all);
    ASSERT_EQ(found.size(), wanted.size());
    for (const auto& [which, completion] : wanted) {
      EXPECT_EQ(found.at(which).ids, completion.ids) << which.first << "," << which.second;
      EXPECT_EQ(found.at(which).log_probs, completion.log_probs);
    }
  }
}

TEST(Groups, ShareThePagesOfTheirPrompt) {
  const auto model = make_tiny();
  GenerationRequest request{.prompt = tiny_prompt(320, 1), .max_new_tokens = 30, .completions = 8};
  request.sampling.temperature = 1.0;
  Generator generator(*model, {});
  run_samples(generator, {request});
  // Two layers: five shared pages, and one for each completion.
  EXPECT_LE(generator.decoder().cache().peak_pages_in_use(), 2 * (5 + 8));
}

TEST(CacheBound, RequestsWaitForMemoryAndGiveTheSame) {
  const auto model = make_tiny();
  const auto all = groups();
  Generator free(*model, {});
  const Samples wanted = run_samples(free, all);
  const std::int64_t page = free.decoder().cache().page_bytes();
  std::int64_t least = 0;
  for (std::int64_t pages = 1; least == 0; ++pages) {
    const Generator tight(*model, {.cache_bytes = pages * page});
    bool all_fit = true;
    for (const GenerationRequest& request : all) try {
        tight.check_request(request);
      } catch (const Error& error) {
        all_fit = false;
        EXPECT_NE(std::string(error.what()).find("cache_bytes"), std::string::npos);
      }
    if (all_fit) least = pages;
  }
  EXPECT_GT(least, 4);
  for (const std::int64_t pages : {least, least + 5, 3 * least}) {
    Generator bounded(*model, {.cache_bytes = pages * page});
    const Samples found = run_samples(bounded, all);
    EXPECT_LE(bounded.decoder().cache().peak_pages_in_use(), pages);
    ASSERT_EQ(found.size(), wanted.size());
    for (const auto& [which, completion] : wanted) EXPECT_EQ(found.at(which).ids, completion.ids);
  }
}

TEST(CacheBound, WhatCanNeverFitIsRefusedAndTheRestGoesOn) {
  const auto model = make_tiny();
  Generator generator(*model, {.cache_bytes = 8 * Generator(*model, {}).decoder().cache().page_bytes()});
  GenerationRequest request{.prompt = tiny_prompt(200, 1), .max_new_tokens = 200};
  EXPECT_THROW(run(generator, {request}), Error);
  EXPECT_EQ(generator.decoder().cache().pages_in_use(), 0);
  request.max_new_tokens = 20;
  EXPECT_EQ(run(generator, {request}).size(), 1u);
}

TEST(StopChecks, EndACompletionWithTheIdTheySay) {
  const auto model = make_tiny();
  auto all = groups();
  Generator free(*model, {});
  const Samples whole = run_samples(free, all);
  int made = 0;
  for (GenerationRequest& request : all)
    request.stop_check = [&made] {
      ++made;
      return [count = 0](std::int32_t) mutable { return ++count == 4; };
    };
  Generator stopped(*model, {.batch_size = 3});
  for (const auto& [which, completion] : run_samples(stopped, all)) {
    const auto& ids = whole.at(which).ids;
    const std::size_t length = std::min<std::size_t>(4, ids.size());
    EXPECT_EQ(completion.ids,
              std::vector<std::int32_t>(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(length)));
    EXPECT_EQ(completion.finish_reason, ids.size() >= 4 ? FinishReason::kStop : FinishReason::kLength);
  }
  EXPECT_EQ(made, static_cast<int>(whole.size())) << "one for each completion";
}

TEST(Generation, ACallerThatThrowsLeavesNoMemoryBehind) {
  const auto model = make_tiny();
  Generator generator(*model, {.batch_size = 3});
  auto all = groups();
  std::size_t at = 0;
  const auto next = [&]() { return at < all.size() ? std::optional(all[at++]) : std::nullopt; };
  EXPECT_THROW(generator.run(next, [](std::size_t, const Completion&) { throw std::runtime_error("full"); }),
               std::runtime_error);
  EXPECT_EQ(generator.decoder().cache().pages_in_use(), 0);
  EXPECT_EQ(run_samples(generator, all).size(), 17u);
}

// Settings of any size: a completion or a refusal, nothing else.
TEST(Generation, AnySettingsGiveACompletionOrARefusal) {
  const auto model = make_tiny();
  Generator generator(*model, {});
  const std::vector<double> numbers{0.0,  1e-30, 1e-5, 0.3,      1.0,          1.7,
                                    50.0, 1e6,   1e30, INFINITY, std::nan(""), -1.0};
  const std::vector<std::int64_t> counts{-1, 0, 1, 7, 97, 1000, INT64_MAX};
  int completed = 0;
  for (std::size_t i = 0; i < 600; ++i) {
    const auto pick = [&](const auto& values, std::uint64_t which) {
      return values[sampling_key(i, which) % values.size()];
    };
    const GenerationRequest request{.prompt = {1, 2, 3},
                                    .max_new_tokens = 3,
                                    .sampling = {.temperature = pick(numbers, 0),
                                                 .top_k = pick(counts, 1),
                                                 .top_p = pick(numbers, 2),
                                                 .min_p = pick(numbers, 3),
                                                 .repetition_penalty = pick(numbers, 4)},
                                    .key = i};
    try {
      generator.check_request(request);
    } catch (const Error&) {
      continue;
    }
    const Completion completion = run(generator, {request}).at(0);
    EXPECT_EQ(completion.ids.size(), 3u);
    for (const std::int32_t id : completion.ids) EXPECT_TRUE(id >= 0 && id < 97);
    for (const float log_prob : completion.log_probs) EXPECT_TRUE(log_prob <= 0.f && std::isfinite(log_prob));
    ++completed;
  }
  EXPECT_GT(completed, 5);
}

TEST(Generation, GoingOnFromASharedBeginningEqualsStartingAnew) {
  const auto model = make_tiny();
  Generator generator(*model, {});
  KvSequence kept = generator.decoder().new_sequence();
  const auto base = tiny_prompt(80, 5);
  for (const std::size_t same : {std::size_t{80}, std::size_t{60}, std::size_t{1}}) {
    GenerationRequest request;
    request.prompt.assign(base.begin(), base.begin() + static_cast<std::ptrdiff_t>(same));
    for (const std::int32_t id : tiny_prompt(10, static_cast<std::int32_t>(same)))
      request.prompt.push_back(id);
    request.max_new_tokens = 15;
    std::vector<std::int32_t> seen;
    const Completion went_on = generator.run_one(kept, request, [&](std::int32_t id) {
      seen.push_back(id);
      return true;
    });
    EXPECT_EQ(seen, went_on.ids);
    KvSequence anew = generator.decoder().new_sequence();
    const Completion fresh = generator.run_one(anew, request, [](std::int32_t) { return true; });
    EXPECT_EQ(went_on.ids, fresh.ids);
    EXPECT_EQ(went_on.log_probs, fresh.log_probs);
  }
}

TEST(Generation, IsCancelledWhereTheListenerSaysSo) {
  const auto model = make_tiny();
  Generator generator(*model, {});
  KvSequence sequence = generator.decoder().new_sequence();
  GenerationRequest request{.prompt = {1, 2, 3}, .max_new_tokens = 100};
  int count = 0;
  const Completion completion =
      generator.run_one(sequence, request, [&](std::int32_t) { return ++count < 4; });
  EXPECT_EQ(completion.ids.size(), 4u);
  EXPECT_EQ(completion.finish_reason, FinishReason::kCancelled);
}

std::string reason(const Generator& generator, const GenerationRequest& request) {
  try {
    generator.check_request(request);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Generation, RefusesWithAReason) {
  const auto model = make_tiny();
  const Generator generator(*model, {});
  EXPECT_EQ(reason(generator, {.prompt = {1}, .max_new_tokens = 511}), "");
  EXPECT_NE(reason(generator, {.prompt = {}, .max_new_tokens = 1}).find("no token"), std::string::npos);
  EXPECT_NE(reason(generator, {.prompt = {97}, .max_new_tokens = 1}).find("0 to 96"), std::string::npos);
  EXPECT_NE(reason(generator, {.prompt = {1}, .max_new_tokens = 512}).find("max_position_embeddings, 512"),
            std::string::npos);
  EXPECT_NE(reason(generator, {.prompt = {1}, .max_new_tokens = std::int64_t{1} << 62}), "");
  EXPECT_NE(reason(generator, {.prompt = {1}, .max_new_tokens = 0}), "");
  EXPECT_NE(reason(generator, {.prompt = {1}, .max_new_tokens = 1, .sampling = {.top_p = 0.0}}), "");
  EXPECT_THROW(Generator(*model, {.batch_size = 0}), Error);
}

TEST(StopIds, AreThoseOfBothFiles) {
  LlamaConfig config;
  config.eos_token_id = {2, 7};
  GenerationConfig generation;
  generation.eos_token_id = {7, 9};
  EXPECT_EQ(stop_ids_of(config, generation), (std::vector<std::int64_t>{2, 7, 9}));
  EXPECT_TRUE(stop_ids_of({}, {}).empty());
}

}  // namespace
}  // namespace caravan::models
