// What a rollout looks like in numbers, and when they say that the reward is being gamed. Free of LibTorch.
#pragma once

#include <string>
#include <vector>

#include "data/message.h"
#include "trainer/metrics/metric.h"

namespace caravan::trainer {

struct RolloutFigures {
  double completions = 0, prompts = 0;
  double reward = 0, reward_spread = 0;  // mean and standard deviation of what is known
  double right = 0;                      // share whose first verifier says right
  double unknown = 0;                    // share that nobody could judge
  double truncated = 0;                  // share that max_new_tokens cut off
  double tokens = 0;                     // mean of a completion
  double duplicates = 0;   // share of completions that another one of their prompt repeats word for word
  double answer_only = 0;  // share of right completions of at most three words
  std::vector<MetricValue> by_verifier = {};  // share right of those shown to it
  std::vector<MetricValue> by_scorer = {};    // mean of the scores it gave, and the share it could not give

  // rollout/reward, rollout/right, ...
  std::vector<MetricValue> metrics() const;
};

// Of the rows of a rollout, `group_size` neighbours answering one prompt.
RolloutFigures figures_of(const std::vector<data::Json>& rows, std::int64_t group_size);

// What has gone astray since the first rollout of the run and had not at the one before, each a sentence:
// completions repeat each other, answer without reasoning, are cut off or cannot be judged far more often, or
// their length has doubled or halved.
std::vector<std::string> alarms(const RolloutFigures& first, const RolloutFigures& before,
                                const RolloutFigures& now);

data::Json to_json(const RolloutFigures& figures);
RolloutFigures figures_from(const data::Json& json);

}  // namespace caravan::trainer
