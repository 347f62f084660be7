// The sampler against the definitions of its settings, written out plainly.
#include "models/generation/sampler.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "models/error.h"

namespace caravan::models {
namespace {

std::vector<SampledToken> draws(const at::Tensor& logits, const SamplingOptions& options, std::uint64_t count,
                                std::span<const std::int32_t> context = {}) {
  Sampler sampler;
  std::vector<SampledToken> tokens;
  for (std::uint64_t step = 0; step < count; ++step)
    tokens.push_back(sampler.sample(logits, options, context, sampling_key(5, 1), step));
  return tokens;
}

std::set<std::int32_t> support(const at::Tensor& logits, const SamplingOptions& options,
                               std::uint64_t count = 4000) {
  std::set<std::int32_t> ids;
  for (const SampledToken& token : draws(logits, options, count)) ids.insert(token.id);
  return ids;
}

at::Tensor logs(const std::vector<double>& probabilities) {
  return at::tensor(probabilities, at::kDouble).log().to(at::kFloat);
}

TEST(Greedy, TakesTheLowestIdOfEquals) {
  const at::Tensor logits = at::tensor({1.f, 3.f, 3.f, -2.f});
  const SampledToken token = draws(logits, {}, 1).front();
  EXPECT_EQ(token.id, 1);
  EXPECT_NEAR(token.log_prob, logits.log_softmax(0)[1].item<double>(), 1e-6);
}

TEST(Sampling, FollowsTheDistribution) {
  const std::vector<double> wanted{0.5, 0.2, 0.15, 0.1, 0.05};
  std::map<std::int32_t, double> counts;
  constexpr std::uint64_t kDraws = 40000;
  for (const SampledToken& token : draws(logs(wanted), {.temperature = 1.0}, kDraws)) counts[token.id] += 1.0;
  double chi_square = 0.0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const double expected = wanted[i] * kDraws, found = counts[static_cast<std::int32_t>(i)];
    chi_square += (found - expected) * (found - expected) / expected;
  }
  EXPECT_LT(chi_square, 18.5)
      << "4 degrees of freedom: more happens once in a thousand, and the seed is fixed";
}

TEST(Sampling, TemperatureSharpensAndFlattens) {
  const at::Tensor logits = logs({0.6, 0.4});
  const auto share = [&](double temperature) {
    double first = 0.0;
    for (const SampledToken& token : draws(logits, {.temperature = temperature}, 20000))
      first += token.id == 0;
    return first / 20000;
  };
  const auto wanted = [](double temperature) {
    const double a = std::pow(0.6, 1 / temperature), b = std::pow(0.4, 1 / temperature);
    return a / (a + b);
  };
  for (const double temperature : {0.25, 1.0, 4.0})
    EXPECT_NEAR(share(temperature), wanted(temperature), 0.015);
}

TEST(Sampling, LogProbsAreTheModelsOwnWhateverWasCut) {
  const at::Tensor logits = logs({0.4, 0.3, 0.2, 0.1});
  for (const SampledToken& token :
       draws(logits, {.temperature = 2.0, .top_k = 3, .top_p = 0.9, .repetition_penalty = 1.5}, 50,
             std::vector<std::int32_t>{1}))
    EXPECT_NEAR(token.log_prob, logits[token.id].item<double>(), 1e-6);
}

TEST(Sampling, ScaledLogProbsAreOfTheTemperatureAlone) {
  const at::Tensor logits = logs({0.4, 0.3, 0.2, 0.1});
  for (const double temperature : {0.0, 0.5, 1.0, 2.0}) {
    const at::Tensor wanted = (logits / (temperature == 0.0 ? 1.0 : temperature)).log_softmax(0);
    for (const SampledToken& token :
         draws(logits, {.temperature = temperature, .top_k = 3, .repetition_penalty = 1.5}, 50,
               std::vector<std::int32_t>{1}))
      EXPECT_NEAR(token.scaled_log_prob, wanted[token.id].item<double>(), 1e-6) << temperature;
  }
}

TEST(TopK, KeepsTheKLikeliestAndWhatEqualsTheLastOfThem) {
  EXPECT_EQ(support(logs({0.1, 0.3, 0.2, 0.4}), {.temperature = 1.0, .top_k = 2}),
            (std::set<std::int32_t>{1, 3}));
  EXPECT_EQ(support(logs({0.2, 0.3, 0.2, 0.2, 0.1}), {.temperature = 1.0, .top_k = 2}),
            (std::set<std::int32_t>{0, 1, 2, 3}));
  EXPECT_EQ(support(logs({0.2, 0.3, 0.2, 0.2, 0.1}), {.temperature = 1.0, .top_k = 100}).size(), 5u);
}

TEST(TopP, KeepsTheFewestThatHoldTheShare) {
  const at::Tensor logits = logs({0.1, 0.5, 0.25, 0.15});
  EXPECT_EQ(support(logits, {.temperature = 1.0, .top_p = 0.45}), (std::set<std::int32_t>{1}));
  EXPECT_EQ(support(logits, {.temperature = 1.0, .top_p = 0.7}), (std::set<std::int32_t>{1, 2}));
  EXPECT_EQ(support(logits, {.temperature = 1.0, .top_p = 0.8}), (std::set<std::int32_t>{1, 2, 3}));
  EXPECT_EQ(support(logits, {.temperature = 1.0, .top_p = 1e-9}), (std::set<std::int32_t>{1}))
      << "at least one";
}

TEST(TopP, CountsTheShareOfWhatTopKLeft) {
  // Of 0.4 and 0.3 the first holds 0.571: top_p 0.5 keeps it alone, though it is but 0.4 of all.
  EXPECT_EQ(support(logs({0.4, 0.3, 0.3 - 1e-6, 1e-6}), {.temperature = 1.0, .top_k = 2, .top_p = 0.5}),
            (std::set<std::int32_t>{0}));
}

TEST(TopP, ComesAfterTheTemperature) {
  // At temperature 0.5 the shares are 0.64 and 0.36 of 0.5716 and 0.4284.
  EXPECT_EQ(support(logs({0.57157, 0.42843}), {.temperature = 1.0, .top_p = 0.6}),
            (std::set<std::int32_t>{0, 1}));
  EXPECT_EQ(support(logs({0.57157, 0.42843}), {.temperature = 0.5, .top_p = 0.6}),
            (std::set<std::int32_t>{0}));
}

TEST(TopP, EqualsThePlainDefinitionOnLongRows) {
  at::manual_seed(9);
  for (const double top_p : {0.1, 0.5, 0.9, 0.99}) {
    const at::Tensor logits = at::randn({3000}) * 3;
    const auto [sorted, order] = logits.to(at::kDouble).softmax(0).sort(0, true);
    const at::Tensor before = sorted.cumsum(0) - sorted;
    const auto kept = before.lt(top_p).sum().item<std::int64_t>();
    std::set<std::int32_t> allowed;
    for (std::int64_t i = 0; i < kept; ++i)
      allowed.insert(static_cast<std::int32_t>(order[i].item<std::int64_t>()));
    std::set<std::int32_t> seen = support(logits, {.temperature = 1.0, .top_p = top_p}, 2000);
    EXPECT_TRUE(std::includes(allowed.begin(), allowed.end(), seen.begin(), seen.end())) << top_p;
    EXPECT_GE(seen.size(), std::min<std::size_t>(allowed.size(), 5u));
  }
}

TEST(MinP, KeepsWhatIsNearTheLikeliest) {
  EXPECT_EQ(support(logs({0.5, 0.26, 0.24}), {.temperature = 1.0, .min_p = 0.5}),
            (std::set<std::int32_t>{0, 1}));
}

TEST(RepetitionPenalty, ChangesEachSeenTokenOnce) {
  const at::Tensor logits = at::tensor({4.f, 3.f, -1.f, -1.5f});
  const std::vector<std::int32_t> seen{0, 0, 0, 2};
  EXPECT_EQ(draws(logits, {.repetition_penalty = 1.2}, 1, seen).front().id, 0)
      << "4 / 1.2 = 3.3, and not 4 / 1.2^3";
  EXPECT_EQ(draws(logits, {.repetition_penalty = 1.5}, 1, seen).front().id, 1);
  EXPECT_EQ(draws(at::tensor({-1.f, -1.4f}), {.repetition_penalty = 1.5}, 1, std::vector<std::int32_t>{0})
                .front()
                .id,
            1)
      << "negative logits grow";
}

TEST(Draws, AreAFunctionOfKeyAndStep) {
  const at::Tensor logits = at::zeros({1000});
  const auto ids = [&](std::uint64_t key, std::uint64_t first) {
    Sampler sampler;
    std::vector<std::int32_t> out;
    for (std::uint64_t step = first; step < first + 20; ++step)
      out.push_back(sampler.sample(logits, {.temperature = 1.0}, {}, key, step).id);
    return out;
  };
  EXPECT_EQ(ids(3, 0), ids(3, 0));
  EXPECT_NE(ids(3, 0), ids(4, 0));
  EXPECT_NE(ids(3, 0), ids(3, 1));
  EXPECT_NE(sampling_key(1, 0), sampling_key(0, 1));
}

TEST(Draws, OfBf16AndFp32AgreeOnEqualLogits) {
  const at::Tensor logits = (at::arange(64, at::kFloat) * 0.125f).to(at::kBFloat16);
  const SamplingOptions options{.temperature = 0.7, .top_k = 20, .top_p = 0.9};
  const auto narrow = draws(logits, options, 30), wide = draws(logits.to(at::kFloat), options, 30);
  for (std::size_t i = 0; i < narrow.size(); ++i) EXPECT_EQ(narrow[i].id, wide[i].id);
}

TEST(Sampler, RefusesLogitsThatAreNotFinite) {
  Sampler sampler;
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    const at::Tensor logits = at::zeros({50});
    logits[20] = bad;
    EXPECT_THROW(sampler.sample(logits, {.temperature = 1.0}, {}, 1, 1), Error);
  }
}

TEST(SamplingOptions, OutOfRangeAreNamed) {
  const auto message = [](const SamplingOptions& options) -> std::string {
    try {
      check_sampling(options, "generation_config.json: ");
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message({}), "");
  EXPECT_EQ(message({.top_p = 1.5}),
            "generation_config.json: top_p is 1.5; allowed: more than 0, up to 1 (all tokens)");
  EXPECT_NE(message({.temperature = -1}), "");
  EXPECT_NE(message({.temperature = std::nan("")}), "");
  EXPECT_NE(message({.top_k = -1}), "");
  EXPECT_NE(message({.top_p = 0}), "");
  EXPECT_NE(message({.min_p = 2}), "");
  EXPECT_NE(message({.repetition_penalty = 0}), "");
}

}  // namespace
}  // namespace caravan::models
