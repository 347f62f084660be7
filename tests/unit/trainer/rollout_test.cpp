// From rewards to advantages of trajectories, and what a rollout's figures say.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "trainer/rollout/rollout_advantages.h"
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
