// Learning rates against transformers' schedules, and what is refused.
#include "trainer/optim/lr_schedule.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <tuple>

#include "tests/support/shared_data.h"
#include "trainer/error.h"

namespace caravan::trainer {
namespace {

using nlohmann::json;

data::Quantity steps(double amount) {
  return {amount, data::Unit::kSteps};
}
data::Quantity percent(double amount) {
  return {amount, data::Unit::kPercent};
}

ScheduleOptions schedule(ScheduleName name, data::Quantity warmup, std::optional<double> min_lr_rate = {},
                         std::optional<data::Quantity> decay = {}) {
  ScheduleOptions options;
  options.name = name;
  options.warmup = warmup;
  options.min_lr_rate = min_lr_rate;
  options.decay = decay;
  return options;
}

struct Reference {
  const char* name;
  ScheduleOptions options;
};

class LrScheduleGoldens : public testing::TestWithParam<Reference> {};

TEST_P(LrScheduleGoldens, HundredSteps) {
  SKIP_WITHOUT_SHARED_DATA();
  json vectors;
  std::ifstream(tests::shared_data() / "goldens/losses/schedules.json") >> vectors;
  for (const json& vector : vectors) {
    if (vector.at("name") != GetParam().name) continue;
    const json& params = vector.at("params");
    const double peak = params.at("lr");
    const LrSchedule found(GetParam().options, peak, params.at("num_training_steps").get<std::int64_t>());
    const std::vector<double> wanted = vector.at("expected").at("lr");
    ASSERT_EQ(wanted.size(), 100u);
    for (std::size_t step = 0; step < wanted.size(); ++step)
      EXPECT_NEAR(found.rate(static_cast<std::int64_t>(step)), wanted[step], 1e-12 * peak) << "step " << step;
    return;
  }
  FAIL() << "no vector of this name";
}

INSTANTIATE_TEST_SUITE_P(
    All, LrScheduleGoldens,
    testing::Values(Reference{"linear", schedule(ScheduleName::kLinear, steps(10))},
                    Reference{"linear_no_warmup", schedule(ScheduleName::kLinear, steps(0))},
                    Reference{"linear_past_the_end", schedule(ScheduleName::kLinear, steps(10))},
                    Reference{"linear_final_lr_ratio", schedule(ScheduleName::kLinear, steps(10), 0.1)},
                    Reference{"cosine", schedule(ScheduleName::kCosine, steps(10))},
                    Reference{"constant", schedule(ScheduleName::kConstant, steps(0))},
                    Reference{"constant_with_warmup", schedule(ScheduleName::kConstant, steps(10))},
                    Reference{"inverse_sqrt", schedule(ScheduleName::kInverseSqrt, steps(10))},
                    Reference{"cosine_with_min_lr", schedule(ScheduleName::kCosineWithMinLr, steps(10), 0.1)},
                    Reference{"cosine_with_min_lr_rate",
                              schedule(ScheduleName::kCosineWithMinLr, steps(10), 0.25)},
                    Reference{"warmup_stable_decay", schedule(ScheduleName::kWsd, steps(10), {}, steps(20))}),
    [](const auto& test) { return std::string(test.param.name); });

// Every share of every length, against ceil(share * length) in the arithmetic of Python.
TEST(LrSchedule, WarmupInPercentIsRoundedUp) {
  SKIP_WITHOUT_SHARED_DATA();
  json vectors;
  std::ifstream(tests::shared_data() / "goldens/losses/schedules.json") >> vectors;
  const json& vector = *std::find_if(vectors.begin(), vectors.end(),
                                     [](const json& v) { return v.at("name") == "warmup_ratio_to_steps"; });
  const std::vector<std::int64_t> totals = vector.at("inputs").at("total_steps");
  const std::vector<double> ratios = vector.at("inputs").at("warmup_ratio");
  for (std::size_t i = 0; i < totals.size(); ++i)
    for (std::size_t j = 0; j < ratios.size(); ++j) {
      const LrSchedule found(schedule(ScheduleName::kLinear, percent(100.0 * ratios[j])), 1.0, totals[i]);
      EXPECT_EQ(found.warmup_steps(), vector.at("expected").at("ceil").at(i).at(j).get<std::int64_t>())
          << ratios[j] << " of " << totals[i] << " steps";
    }
}

// 3000 * 1.1 / 100 is a little above 33 in binary arithmetic, which must not make 34 steps of it.
TEST(LrSchedule, WholeNumbersOfStepsAreNotRoundedUp) {
  for (const auto& [share, total, wanted] :
       {std::tuple(1.1, 3000, 33), {2.2, 7000, 154}, {8.3, 3000, 249}, {33.4, 500, 167}})
    EXPECT_EQ(LrSchedule(schedule(ScheduleName::kLinear, percent(share)), 1.0, total).warmup_steps(), wanted)
        << share;
}

TEST(LrSchedule, PercentOfDecayIsOfTheRun) {
  const LrSchedule by_share(schedule(ScheduleName::kWsd, percent(10), {}, percent(20)), 2e-5, 100);
  const LrSchedule by_steps(schedule(ScheduleName::kWsd, steps(10), {}, steps(20)), 2e-5, 100);
  for (std::int64_t step = 0; step < 100; ++step) EXPECT_EQ(by_share.rate(step), by_steps.rate(step));
}

TEST(LrSchedule, LinearWithMinimumEndsThere) {
  const LrSchedule found(schedule(ScheduleName::kLinear, steps(7), 0.25), 3e-4, 60);
  EXPECT_DOUBLE_EQ(found.rate(7), 3e-4);
  EXPECT_NEAR(found.rate(60), 0.25 * 3e-4, 1e-18);
  // A straight line: second differences vanish.
  for (std::int64_t step = 8; step < 60; ++step)
    EXPECT_NEAR(found.rate(step - 1) - 2.0 * found.rate(step) + found.rate(step + 1), 0.0, 1e-18);
}

TEST(LrSchedule, LinearWithTheWholeRateAsMinimumDoesNotFall) {
  const LrSchedule found(schedule(ScheduleName::kLinear, steps(7), 1.0), 3e-4, 60);
  EXPECT_LT(found.rate(6), 3e-4);
  for (std::int64_t step = 7; step <= 60; ++step) EXPECT_EQ(found.rate(step), 3e-4);
}

TEST(LrSchedule, CosineWithMinimumEndsThereAndIsTheCosineWithoutOne) {
  const LrSchedule floor(schedule(ScheduleName::kCosineWithMinLr, steps(3), 0.1), 1.0, 40);
  EXPECT_DOUBLE_EQ(floor.rate(3), 1.0);
  EXPECT_DOUBLE_EQ(floor.rate(40), 0.1);
  const LrSchedule zero(schedule(ScheduleName::kCosineWithMinLr, steps(3), 0.0), 1.0, 40),
      plain(schedule(ScheduleName::kCosine, steps(3)), 1.0, 40);
  for (std::int64_t step = 0; step <= 40; ++step) EXPECT_DOUBLE_EQ(zero.rate(step), plain.rate(step));
}

TEST(LrSchedule, NoRateIsNegativeOrAbovePeak) {
  for (const ScheduleName name :
       {ScheduleName::kLinear, ScheduleName::kCosine, ScheduleName::kCosineWithMinLr, ScheduleName::kConstant,
        ScheduleName::kWsd, ScheduleName::kInverseSqrt})
    for (const std::int64_t length : {1, 2, 3, 17}) {
      const std::optional<data::Quantity> decay =
          name == ScheduleName::kWsd ? std::optional(steps(1)) : std::nullopt;
      const LrSchedule found(
          schedule(name, steps(length > 2 ? 2 : 0),
                   name == ScheduleName::kCosineWithMinLr ? std::optional(0.1) : std::nullopt, decay),
          1e-3, length);
      for (std::int64_t step = 0; step < length; ++step) {
        EXPECT_GE(found.rate(step), 0.0);
        EXPECT_LE(found.rate(step), 1e-3 * (1 + 1e-15));
      }
    }
}

TEST(LrSchedule, AWarmupOverTheWholeRunNeverReachesThePeak) {
  const LrSchedule found(schedule(ScheduleName::kLinear, percent(100)), 1.0, 8);
  for (std::int64_t step = 0; step < 8; ++step)
    EXPECT_DOUBLE_EQ(found.rate(step), static_cast<double>(step) / 8.0);
}

TEST(LrSchedule, ARunWithoutAnyRateIsRefused) {
  const auto refused = [](const ScheduleOptions& options, std::int64_t num_steps) {
    try {
      LrSchedule(options, 1.0, num_steps).require_a_rate();
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), 2);
      return true;
    }
    return false;
  };
  EXPECT_TRUE(refused(schedule(ScheduleName::kLinear, percent(3)), 1));
  EXPECT_TRUE(refused(schedule(ScheduleName::kConstant, steps(1)), 1));
  EXPECT_FALSE(refused(schedule(ScheduleName::kLinear, steps(0)), 1));
  EXPECT_FALSE(refused(schedule(ScheduleName::kLinear, steps(2)), 2));
  EXPECT_FALSE(refused(schedule(ScheduleName::kLinear, percent(100)), 8));
}

TEST(LrSchedule, LengthsThatDoNotFitAreRefused) {
  const auto message = [](const ScheduleOptions& options, std::int64_t num_steps) -> std::string {
    try {
      LrSchedule(options, 1.0, num_steps);
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), 2);
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message(schedule(ScheduleName::kLinear, steps(20)), 20), "");
  const std::string warmup = message(schedule(ScheduleName::kLinear, steps(21)), 20);
  EXPECT_NE(warmup.find("warm-up of 21 steps"), std::string::npos) << warmup;
  EXPECT_NE(warmup.find("run of 20 steps"), std::string::npos) << warmup;
  const std::string both = message(schedule(ScheduleName::kWsd, steps(12), {}, steps(9)), 20);
  EXPECT_NE(both.find("decay of 9 steps"), std::string::npos) << both;
  EXPECT_NE(both.find("schedule.decay"), std::string::npos) << both;
  EXPECT_EQ(message(schedule(ScheduleName::kWsd, steps(11), {}, steps(9)), 20), "");
}

}  // namespace
}  // namespace caravan::trainer
