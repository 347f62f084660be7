// Tasks asked of a model: choices scored, texts scored, answers generated and judged.
//
// Promise: what a sample says depends on the model, the item and the task alone, not on which other items are
// asked, in what batches, nor on where a stopped run went on. The model is used in place and not changed. An
// item that the model cannot hold is left out and counted, never cut. Collective: all ranks make the same
// calls, and have the same samples afterwards.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "data/evaluation/item_tokens.h"
#include "data/evaluation/task_options.h"
#include "trainer/distributed/unit_shards.h"
#include "trainer/evaluation/sample_store.h"
#include "trainer/evaluation/task_result.h"

namespace caravan::trainer {

struct EvaluatorOptions {
  std::int64_t batch_tokens = 8192;  // of a pass that scores
  std::int64_t batch_size = 32;      // sequences that are generated together
};

class TaskEvaluator {
 public:
  // Told how many of all samples are there; true, on all ranks alike, stops the task: Error (stopped).
  using Progress = std::function<bool(std::int64_t done, std::int64_t all)>;

  // All must outlive this. `stop_ids` end an answer.
  TaskEvaluator(UnitShards& units, const data::ItemTokens& tokens, std::vector<std::int64_t> stop_ids,
                const EvaluatorOptions& options);

  // Adds the samples that `store` lacks, and returns the figures of all. Throws data::Error as task_result
  // and where an item cannot be encoded.
  TaskResult run(const data::TaskOptions& task, const std::vector<data::TaskItem>& items, SampleStore& store,
                 const Progress& progress = {});

 private:
  struct Asked;
  void score_choices(const std::vector<data::TaskItem>& items, SampleStore& store, const Progress& progress);
  void score_texts(const std::vector<data::TaskItem>& items, SampleStore& store, const Progress& progress);
  void score_all(
      std::size_t num_items, SampleStore& store, const Progress& progress,
      const std::function<Asked(std::size_t)>& ask,
      const std::function<data::Json(const Asked&, const std::vector<std::vector<float>>&)>& sample);
  void generate(const data::TaskOptions& task, const std::vector<data::TaskItem>& items, SampleStore& store,
                const Progress& progress);
  std::size_t longest() const;

  UnitShards& units_;
  const data::ItemTokens& tokens_;
  std::vector<std::int64_t> stop_ids_;
  EvaluatorOptions options_;
};

}  // namespace caravan::trainer
