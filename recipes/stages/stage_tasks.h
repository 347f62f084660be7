// Tasks that a run asks its model while it trains: before the first step, after the last, and every
// evaluation.every steps between. Every sample is kept in evaluation/step-*/.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "data/evaluation/task_items.h"
#include "recipes/evaluation/read_task.h"
#include "recipes/recipe.h"
#include "recipes/text_front.h"
#include "trainer/distributed/unit_shards.h"
#include "trainer/metrics/log.h"
#include "trainer/metrics/metric.h"

namespace caravan::recipes {

class StageTasks {
 public:
  // Reads the tasks' files and items, before any weight is loaded. Throws as read_tasks and TaskItems do, and
  // data::Error (unsafe) for a task of the unseen suite.
  explicit StageTasks(const Recipe& recipe);

  bool empty() const { return tasks_.empty(); }
  // "eval/TASK/METRIC" of all tasks, the same on all ranks; nothing where `give_up` says true, on all ranks
  // alike. `tell` is told what is being done. Figures that say little are told of in `log`, for a run that
  // took days is worth more than they.
  std::vector<trainer::MetricValue> evaluate(std::int64_t step, trainer::UnitShards& units,
                                             const TextFront& front, trainer::Log& log,
                                             const std::function<bool()>& give_up,
                                             const std::function<void(const std::string&)>& tell) const;

 private:
  const Recipe& recipe_;
  std::vector<ReadTask> tasks_;
  std::vector<data::TaskItems> items_;
};

}  // namespace caravan::recipes
