// From rewards to advantages of trajectories, and what a rollout's figures say.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "trainer/rollout/rollout_advantages.h"
#include "trainer/rollout/rollout_batches.h"
#include "trainer/rollout/rollout_figures.h"

namespace caravan::trainer {
namespace {

using data::Json;

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

std::vector<Trajectory> with_rewards(const std::vector<double>& rewards) {
  std::vector<Trajectory> all;
  for (std::size_t i = 0; i < rewards.size(); ++i) {
    Trajectory& one = all.emplace_back();
    one.reward = rewards[i];
    for (std::size_t t = 0; t < 1 + i % 3; ++t) {
      one.ids.push_back(static_cast<std::int32_t>(t));
      one.old_log_probs.push_back(-1.f);
      one.reference_log_probs.push_back(-1.5f);
    }
  }
  return all;
}

PolicySettings settings_of(PolicyMethod method, std::optional<double> beta = {}) {
  PolicyLossOptions options;
  options.name = method;
  options.beta = beta;
  return options.settings();
}

TEST(RolloutAdvantages, OfAGroup) {
  std::vector<Trajectory> all = with_rewards({1, 0, 0, 1, 5, 5, 5, 5});
  set_advantages(all, 4, settings_of(PolicyMethod::kGrpo));
  const float half = static_cast<float>(0.5 / (std::sqrt(1.0 / 3.0) + 1e-8));
  for (std::size_t i = 0; i < 4; ++i)
    for (const float a : all[i].advantages) EXPECT_FLOAT_EQ(a, i == 0 || i == 3 ? half : -half);
  EXPECT_EQ(all[2].advantages.size(), 3u);
  for (std::size_t i = 4; i < 8; ++i)
    for (const float a : all[i].advantages) EXPECT_EQ(a, 0.f);
  EXPECT_EQ(groups_that_vary(all, 4), (std::vector<bool>{true, false}));
}

TEST(RolloutAdvantages, WhoCannotBeJudgedCountsInNoMean) {
  std::vector<Trajectory> all = with_rewards({1, kUnknown, 0, kUnknown});
  set_advantages(all, 4, settings_of(PolicyMethod::kDrGrpo));
  EXPECT_FLOAT_EQ(all[0].advantages[0], 0.5f);
  EXPECT_EQ(all[1].advantages[0], 0.f);
  EXPECT_FLOAT_EQ(all[2].advantages[0], -0.5f);
  set_advantages(all, 4, settings_of(PolicyMethod::kReinforcePlusPlus));
  EXPECT_EQ(all[1].advantages[0], 0.f);
  EXPECT_GT(all[0].advantages[0], all[2].advantages[0]);
}

// RLOO with the divergence in the reward: every token is 0.5 away from the reference.
TEST(RolloutAdvantages, DivergenceInTheReward) {
  std::vector<Trajectory> all = with_rewards({1, 0, 0, 1});
  set_advantages(all, 4, settings_of(PolicyMethod::kRloo, 0.1));
  const double scores[] = {1.0 - 0.05, 0.0 - 0.10, 0.0 - 0.15, 1.0 - 0.05};
  for (std::size_t i = 0; i < 4; ++i) {
    double others = 0.0;
    for (std::size_t k = 0; k < 4; ++k) others += k == i ? 0.0 : scores[k] / 3.0;
    EXPECT_NEAR(all[i].advantages[0], scores[i] - others, 1e-6);
  }
}

TEST(RolloutAdvantages, ValuesAndReturns) {
  std::vector<Trajectory> all = with_rewards({1, 0});
  all[0].old_values = {0.5f};
  all[1].old_values = {0.25f, 0.5f};
  PolicySettings settings = settings_of(PolicyMethod::kPpo, 0.0);
  settings.lambda = 1.0;
  set_advantages(all, 1, settings);
  // With lambda 1 and gamma 1 the return is the sum of what is still to come.
  EXPECT_FLOAT_EQ(all[0].returns[0], 1.f);
  EXPECT_FLOAT_EQ(all[1].returns[0], 0.f);
  EXPECT_FLOAT_EQ(all[1].returns[1], 0.f);
  float sum = 0.f;
  for (const Trajectory& one : all)
    for (const float a : one.advantages) sum += a;
  EXPECT_NEAR(sum, 0.f, 1e-6);
}

// Prompts of 3 tokens (10, 11, 12) and of 1 (20); completions count on from 100 times their number.
std::vector<data::MicroBatch> batches_of(const std::vector<std::uint32_t>& prompt_of_each, bool share_prompts,
                                         std::int64_t micro_tokens) {
  std::vector<data::Prompt> prompts(2);
  prompts[0].ids = {10, 11, 12};
  prompts[1].ids = {20};
  std::vector<Trajectory> all;
  for (const std::uint32_t prompt : prompt_of_each) {
    const auto first = static_cast<std::int32_t>(100 * all.size());
    Trajectory& one = all.emplace_back();
    one.prompt = prompt;
    one.ids = {first, first + 1};
    one.sampling_log_probs = one.old_log_probs = {-1.f, -2.f};
    one.advantages = {0.5f, 0.25f};
  }
  std::vector<const Trajectory*> pointers;
  for (const Trajectory& one : all) pointers.push_back(&one);
  return rollout_batches(pointers,
                         [&](std::uint32_t prompt) -> const data::Prompt& { return prompts[prompt]; },
                         {.micro_tokens = micro_tokens, .share_prompts = share_prompts});
}

TEST(RolloutBatches, CompletionsShareTheirPrompt) {
  const auto batches = batches_of({0, 1, 0}, true, 100);
  ASSERT_EQ(batches.size(), 1u);
  const data::MicroBatch& batch = batches[0];
  EXPECT_EQ(batch.ids, (std::vector<std::int32_t>{10, 11, 12, 0, 1, 12, 200, 201, 20, 100, 101}));
  EXPECT_EQ(batch.targets, (std::vector<std::int32_t>{11, 12, 0, 1, -1, 200, 201, -1, 100, 101, -1}));
  EXPECT_EQ(batch.weights, (std::vector<float>{0, 0, 1, 1, 0, 1, 1, 0, 1, 1, 0}));
  EXPECT_EQ(batch.positions, (std::vector<std::int32_t>{0, 1, 2, 3, 4, 2, 3, 4, 0, 1, 2}));
  EXPECT_EQ(batch.doc_starts, (std::vector<std::int32_t>{0, 5, 8, 11}));
  EXPECT_EQ(batch.prefix_starts, (std::vector<std::int32_t>{0, 0, 0}));
  EXPECT_EQ(batch.prefix_lengths, (std::vector<std::int32_t>{0, 2, 0}));
  EXPECT_EQ(batch.num_document_tokens(), 5 + 5 + 3);
  EXPECT_EQ(batch.document_indices, (std::vector<std::uint32_t>{0, 2, 1}));
  EXPECT_EQ(batch.sampled.old_log_probs, (std::vector<float>{0, 0, -1, -2, 0, -1, -2, 0, -1, -2, 0}));
  EXPECT_EQ(batch.sampled.advantages, (std::vector<float>{0, 0, .5, .25, 0, .5, .25, 0, .5, .25, 0}));
}

TEST(RolloutBatches, APassThatIsFullBeginsThePromptAnew) {
  // Prompt and completion are 5 tokens, each further completion 3.
  const auto batches = batches_of({0, 0, 0}, true, 8);
  ASSERT_EQ(batches.size(), 2u);
  EXPECT_EQ(batches[0].ids, (std::vector<std::int32_t>{10, 11, 12, 0, 1, 12, 100, 101}));
  EXPECT_EQ(batches[1].ids, (std::vector<std::int32_t>{10, 11, 12, 200, 201}));
  EXPECT_EQ(batches[1].prefix_lengths, (std::vector<std::int32_t>{0}));
  EXPECT_THROW(batches_of({0}, true, 4), std::invalid_argument);
}

TEST(RolloutBatches, OrEachCarriesItsOwn) {
  const auto batches = batches_of({0, 0}, false, 100);
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_EQ(batches[0].ids, (std::vector<std::int32_t>{10, 11, 12, 0, 1, 10, 11, 12, 100, 101}));
  EXPECT_EQ(batches[0].prefix_lengths, (std::vector<std::int32_t>{0, 0}));
}

Json row(const std::string& completion, const std::string& verdict, Json reward, int tokens,
         const std::string& finish = "stop") {
  return {{"completion", completion},
          {"finish_reason", finish},
          {"tokens", tokens},
          {"reward", std::move(reward)},
          {"verdicts", {{{"verifier", "gsm8k"}, {"verdict", verdict}}}}};
}

TEST(RolloutFigures, CountWhatIsThere) {
  const RolloutFigures figures =
      figures_of({row("2 and 2 are 4, so: 4", "right", 1.0, 10), row("4", "right", 1.0, 2),
                  row("4", "right", 1.0, 2), row("who knows", "unknown", nullptr, 20, "length")},
                 4);
  EXPECT_EQ(figures.right, 0.75);
  EXPECT_EQ(figures.unknown, 0.25);
  EXPECT_EQ(figures.truncated, 0.25);
  EXPECT_EQ(figures.duplicates, 0.25);
  EXPECT_NEAR(figures.answer_only, 2.0 / 3.0, 1e-12);
  EXPECT_EQ(figures.tokens, 8.5);
  EXPECT_EQ(figures.reward, 1.0);
  EXPECT_EQ(figures_from(to_json(figures)).duplicates, 0.25);
}

TEST(RolloutFigures, AlarmsRingOnceWhereSomethingHasDrifted) {
  RolloutFigures first;
  first.tokens = 100;
  RolloutFigures later = first;
  EXPECT_TRUE(alarms(first, first, later).empty());
  later.duplicates = 0.5;
  later.tokens = 30;
  EXPECT_EQ(alarms(first, first, later).size(), 2u);
  EXPECT_TRUE(alarms(first, later, later).empty());
  EXPECT_NE(alarms(first, first, later)[0].find("50 % now, 0 % in the first rollout"), std::string::npos);
}

}  // namespace
}  // namespace caravan::trainer
