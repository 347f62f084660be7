// The run directory of a stage: lock, log, sinks, recipe, run card, checkpoints. What every stage shares.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "recipes/recipe.h"
#include "trainer/checkpoint/checkpoint.h"
#include "trainer/checkpoint/run_lock.h"
#include "trainer/metrics/console_sink.h"
#include "trainer/metrics/jsonl_sink.h"
#include "trainer/metrics/log.h"
#include "trainer/metrics/run_card.h"
#include "trainer/metrics/run_totals.h"
#include "trainer/metrics/tensorboard_sink.h"

namespace caravan::recipes {

class RunDirectory {
 public:
  // Makes and locks run.dir, decides whether to resume, and writes the resolved recipe. Throws RecipeError or
  // trainer::Error where the directory holds a run of another recipe (the differences are listed), files that
  // no run wrote but this one would replace, or damaged checkpoints only; or where run.resume does not allow
  // what is there.
  RunDirectory(const Recipe& recipe, trainer::Terminal& terminal);

  const std::filesystem::path& path() const { return path_; }
  trainer::Log& log() { return log_; }
  const std::optional<trainer::FoundCheckpoint>& checkpoint() const { return checkpoint_; }
  // The run ended before: final/ is there and complete.
  bool is_finished() const;

  // Opens metrics.jsonl, tensorboard/ and the console for a run that goes on after `last_step`; opens the run
  // card, which tells where it computes.
  void start(const Recipe& recipe, const trainer::RunIdentity& identity,
             const std::vector<std::string>& command, const std::string& device, std::int64_t total_steps,
             std::int64_t last_step);
  void report(std::int64_t step, const std::vector<trainer::MetricValue>& values);
  // Metrics are on the disk before a checkpoint says it is complete.
  void save(const trainer::CheckpointContent& content, std::int64_t keep);
  // Closes the run card. `reason`: the signal of a run that was stopped; `final_hashes`: of what a run that
  // is done wrote.
  void finish(const std::string& outcome, std::int64_t last_step, const std::string& reason = {},
              const std::map<std::string, std::string>& final_hashes = {});
  // The same for a run that ends by an error, which goes on its way: never throws.
  void fail(const std::string& error, std::int64_t last_step) noexcept;
  const trainer::RunTotals& totals() const { return totals_; }

 private:
  void require_a_way_on(int passed_over) const;

  std::filesystem::path path_;
  trainer::Terminal& terminal_;
  trainer::RunLock lock_;
  trainer::Log log_;
  std::optional<trainer::FoundCheckpoint> checkpoint_;
  std::vector<std::unique_ptr<trainer::Sink>> sinks_;
  trainer::RunTotals totals_;
  bool card_open_ = false;
};

}  // namespace caravan::recipes
