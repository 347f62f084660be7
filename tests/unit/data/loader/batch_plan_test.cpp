#include "data/loader/batch_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "data/error.h"
#include "data/loader/order.h"

namespace caravan::data {
namespace {

std::vector<DocumentSize> make_sizes(std::size_t count) {
  std::vector<DocumentSize> sizes(count);
  for (std::size_t i = 0; i < count; ++i) {
    sizes[i].tokens = static_cast<std::uint32_t>(5 + mix(i) % 60);
    sizes[i].trained_tokens = sizes[i].tokens / 2;
  }
  return sizes;
}

BatchPlan make_plan(const PlanOptions& options, const std::vector<DocumentSize>& sizes) {
  std::vector<std::uint64_t> keys(sizes.size());
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = mix(i);
  return BatchPlan(
      options, sizes,
      [keys](std::int64_t epoch) { return shuffled(keys, static_cast<std::uint64_t>(epoch)); },
      [](std::uint32_t document) { return "rows.jsonl:" + std::to_string(document + 1); });
}

PlanOptions tokens_plan() {
  PlanOptions options;
  options.batch.tokens = 500;
  options.batch.micro_tokens = 128;
  options.epochs = 2;
  return options;
}

TEST(BatchPlan, TokenBudgetIsFilledInOrderAndNeverExceeded) {
  const std::vector<DocumentSize> sizes = make_sizes(200);
  const BatchPlan plan = make_plan(tokens_plan(), sizes);
  std::map<std::uint32_t, int> seen;
  std::int64_t tokens = 0, trained = 0;
  for (std::int64_t step = 0; step < plan.num_steps(); ++step) {
    const StepInfo info = plan.step(step);
    EXPECT_LE(info.tokens, 500);
    std::int64_t step_tokens = 0, documents = 0;
    for (const auto& micro_batch : plan.micro_batches(step)) {
      std::int64_t micro_tokens = 0;
      for (const std::uint32_t document : micro_batch) {
        micro_tokens += sizes[document].tokens;
        trained += sizes[document].trained_tokens;
        ++seen[document];
        ++documents;
      }
      EXPECT_LE(micro_tokens, 128);
      step_tokens += micro_tokens;
    }
    EXPECT_EQ(step_tokens, info.tokens);
    EXPECT_EQ(documents, info.sequences);
    tokens += step_tokens;
    // A full step could not have taken the document that the next step of the epoch begins with.
    const bool full = step + 1 < plan.num_steps() && plan.step(step + 1).epoch == info.epoch;
    EXPECT_GT(info.tokens, full ? 500 - 65 : 0);
  }
  EXPECT_EQ(tokens, plan.num_tokens());
  EXPECT_EQ(trained, plan.num_trained_tokens());
  EXPECT_EQ(seen.size(), 200u);
  for (const auto& [document, times] : seen) EXPECT_EQ(times, 2) << document;
}

TEST(BatchPlan, SequencesAreExactButForTheLastStepOfAnEpoch) {
  PlanOptions options;
  options.batch.sequences = 7;
  options.batch.micro_tokens = 64;
  options.epochs = 2;
  const BatchPlan plan = make_plan(options, make_sizes(30));
  ASSERT_EQ(plan.num_steps(), 10);
  for (const std::int64_t step : {0, 1, 2, 3, 5}) EXPECT_EQ(plan.step(step).sequences, 7);
  for (const std::int64_t step : {4, 9}) EXPECT_EQ(plan.step(step).sequences, 2);
  EXPECT_EQ(plan.step(4).epoch, 0);
  EXPECT_EQ(plan.step(5).epoch, 1);
  EXPECT_DOUBLE_EQ(plan.epochs_after(4), 1.0);
  EXPECT_DOUBLE_EQ(plan.epochs_after(5), 1.0 + 7.0 / 30.0);
  EXPECT_THROW(plan.step(10), std::out_of_range);
}

TEST(BatchPlan, MaxStepsRunsIntoAsManyEpochsAsItNeeds) {
  PlanOptions options = tokens_plan();
  options.epochs.reset();
  options.max_steps = 57;
  const std::vector<DocumentSize> sizes = make_sizes(200);
  const BatchPlan plan = make_plan(options, sizes);
  EXPECT_EQ(plan.num_steps(), 57);
  EXPECT_GT(plan.step(56).epoch, 1);
  options.max_steps = 20;
  const BatchPlan shorter = make_plan(options, sizes);
  for (const std::int64_t step : {19, 0, 7}) EXPECT_EQ(shorter.micro_batches(step), plan.micro_batches(step));
}

// Resume asks for steps in any order, from a new process.
TEST(BatchPlan, AnyStepCanBeAskedAtAnyTime) {
  const std::vector<DocumentSize> sizes = make_sizes(100);
  const BatchPlan plan = make_plan(tokens_plan(), sizes), other = make_plan(tokens_plan(), sizes);
  const std::int64_t last = plan.num_steps() - 1;
  const auto expected = other.micro_batches(3);
  other.micro_batches(last);
  EXPECT_EQ(plan.micro_batches(last), other.micro_batches(last));
  EXPECT_EQ(plan.micro_batches(3), expected);
}

TEST(BatchPlan, MicroTokensDoNotChangeWhatAStepTakes) {
  const std::vector<DocumentSize> sizes = make_sizes(100);
  PlanOptions wide = tokens_plan();
  wide.batch.micro_tokens = 500;
  const BatchPlan narrow_plan = make_plan(tokens_plan(), sizes), wide_plan = make_plan(wide, sizes);
  ASSERT_EQ(narrow_plan.num_steps(), wide_plan.num_steps());
  for (std::int64_t step = 0; step < wide_plan.num_steps(); ++step) {
    std::vector<std::uint32_t> a, b;
    for (const auto& group : narrow_plan.micro_batches(step)) a.insert(a.end(), group.begin(), group.end());
    for (const auto& group : wide_plan.micro_batches(step)) b.insert(b.end(), group.begin(), group.end());
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    EXPECT_EQ(a, b);
  }
}

std::string refusal(const PlanOptions& options) {
  try {
    make_plan(options, make_sizes(20));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(BatchPlan, RefusalsNameBothNumbers) {
  PlanOptions options = tokens_plan();
  options.batch.micro_tokens = 30;
  const std::string micro = refusal(options);
  EXPECT_NE(micro.find("batch.micro_tokens is 30"), std::string::npos) << micro;
  EXPECT_NE(micro.find("rows.jsonl:"), std::string::npos) << micro;
  options = tokens_plan();
  options.batch.tokens = 20;
  EXPECT_NE(refusal(options).find("batch.tokens is 20"), std::string::npos);
  options = tokens_plan();
  options.batch.sequences = 2;
  EXPECT_NE(refusal(options), "");
  options = tokens_plan();
  options.max_steps = 2;
  EXPECT_NE(refusal(options), "");
  options.epochs.reset();
  options.max_steps = 50'000'001;
  EXPECT_NE(refusal(options).find("found 50000001, allowed are at most 50000000"), std::string::npos)
      << refusal(options);
  options = tokens_plan();
  options.batch.micro_tokens = 0;
  EXPECT_NE(refusal(options), "");
}

}  // namespace
}  // namespace caravan::data
