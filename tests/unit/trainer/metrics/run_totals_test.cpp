#include "trainer/metrics/run_totals.h"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace caravan::trainer {
namespace {

std::vector<MetricValue> step_values(double loss, double tokens, double seconds) {
  return {{"train/loss", loss},
          {"speed/tokens_per_second", tokens / seconds},
          {"speed/step_seconds", seconds},
          {"memory/peak_bytes", 1024.0 * 1024 * 1024 * loss}};
}

TEST(RunTotals, AddUpTrainingAndKeepTheEndsOfLosses) {
  RunTotals totals;
  totals.write(0, std::vector<MetricValue>{{"eval/loss", 7.5}, {"eval/tokens", 9000}});
  totals.write(1, step_values(3.0, 8170, 0.7));
  totals.write(2, step_values(2.0, 8149, 0.3));
  totals.write(2, std::vector<MetricValue>{{"eval/loss", 6.5}});
  const auto json = totals.to_json();
  EXPECT_EQ(json["steps"], 2);
  EXPECT_EQ(json["tokens"], 16319);
  EXPECT_NEAR(json["tokens_per_second"].get<double>(), 16319.0, 1e-6);
  EXPECT_EQ(json["first"]["train/loss"], 3.0);
  EXPECT_EQ(json["last"]["train/loss"], 2.0);
  EXPECT_EQ(json["last"]["eval/loss"], 6.5);
  EXPECT_EQ(totals.summary(85),
            "2 steps, 16,319 tokens in 00:01 of steps, 01:25 in all (16,319 tokens/s), peak memory 3.0 GiB, "
            "eval/loss 7.5 -> 6.5");
}

TEST(RunTotals, ALossOfTrainingIsAMeanOfManySteps) {
  RunTotals totals;
  for (int step = 1; step <= 40; ++step) totals.write(step, step_values(step <= 4 ? step : 0.25, 10, 1));
  const std::string text = totals.summary(40);
  EXPECT_NE(text.find(", train/loss 2.5 -> 0.25 (first and last tenth of the steps)"), std::string::npos)
      << text;
}

TEST(RunTotals, TheLastLineTellsOfTheWholeRun) {
  const tests::TempDir dir;
  const std::string before = dir.write("metrics.jsonl",
                                       "{\"step\":0,\"eval/loss\":9.5}\n"
                                       "{\"step\":1,\"train/loss\":4.0}\n"
                                       "{\"step\":1,\"eval/loss\":8.5}\n"
                                       "{\"step\":2,\"tr");
  RunTotals totals;
  totals.recall(before);
  totals.write(2, step_values(3.0, 10, 1));
  totals.write(2, std::vector<MetricValue>{{"eval/loss", 6.5}});
  EXPECT_NE(totals.summary(1).find("eval/loss 9.5 -> 6.5"), std::string::npos) << totals.summary(1);
  EXPECT_EQ(totals.to_json()["first"]["eval/loss"], 6.5);
  EXPECT_EQ(totals.to_json()["steps"], 1);
}

TEST(RunTotals, OfNothingAreZero) {
  const RunTotals totals;
  EXPECT_EQ(totals.to_json()["steps"], 0);
  EXPECT_FALSE(totals.to_json().contains("tokens_per_second"));
  EXPECT_EQ(totals.summary(2), "0 steps, 0 tokens in 00:00 of steps, 00:02 in all");
}

}  // namespace
}  // namespace caravan::trainer
