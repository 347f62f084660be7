#include "data/preferences/response_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace caravan::data {
namespace {

std::vector<PlannedResponse> plan(const ResponsePool& pool, int prompt) {
  return plan_responses(pool, "prompt " + std::to_string(prompt));
}

TEST(ResponsePlan, ModelsAreDrawnWithoutReplacement) {
  const ResponsePool pool{.num_models = 7, .per_prompt = 4, .on_policy = {}, .seed = 5};
  std::vector<int> uses(7, 0), first(7, 0);
  for (int i = 0; i < 7000; ++i) {
    std::set<std::size_t> models;
    for (const PlannedResponse& response : plan(pool, i)) {
      models.insert(response.model);
      ++uses[response.model];
      EXPECT_EQ(response.draw, 0u);
    }
    EXPECT_EQ(models.size(), 4u);
    ++first[plan(pool, i)[0].model];
  }
  for (int model = 0; model < 7; ++model) {
    EXPECT_NEAR(uses[model], 4000, 200);
    EXPECT_NEAR(first[model], 1000, 120);  // no place is anybody's
  }
  EXPECT_EQ(plan(pool, 3), plan(pool, 3));
}

TEST(ResponsePlan, ASmallPoolAnswersAgain) {
  const ResponsePool pool{.num_models = 2, .per_prompt = 5, .on_policy = {}, .seed = 1};
  const std::vector<PlannedResponse> planned = plan(pool, 1);
  EXPECT_EQ(planned.size(), 5u);
  std::set<std::pair<std::size_t, std::size_t>> different;
  for (const PlannedResponse& response : planned) different.insert({response.model, response.draw});
  EXPECT_EQ(different.size(), 5u);
  EXPECT_LE(std::ranges::count(planned, 0u, &PlannedResponse::model), 3);
  EXPECT_GE(std::ranges::count(planned, 0u, &PlannedResponse::model), 2);
}

TEST(ResponsePlan, ThePolicyAnswersItsShareOnce) {
  const ResponsePool pool{
      .num_models = 4, .per_prompt = 2, .on_policy = 2, .on_policy_share = 0.25, .seed = 9};
  int with = 0;
  for (int i = 0; i < 4000; ++i) {
    const std::vector<PlannedResponse> planned = plan(pool, i);
    const auto own = std::ranges::count(planned, 2u, &PlannedResponse::model);
    EXPECT_LE(own, 1);
    EXPECT_EQ(planned.size(), 2u);
    with += static_cast<int>(own);
  }
  EXPECT_NEAR(with, 1000, 120);
  const ResponsePool alone{
      .num_models = 1, .per_prompt = 3, .on_policy = 0, .on_policy_share = 0.0, .seed = 9};
  EXPECT_EQ(plan(alone, 1).size(), 3u);
}

}  // namespace
}  // namespace caravan::data
