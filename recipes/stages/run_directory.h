// The run directory of a stage: lock, log, sinks, recipe, run card, checkpoints. What every stage shares.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "recipes/recipe.h"
#include "trainer/checkpoint/checkpoint.h"
#include "trainer/checkpoint/run_lock.h"
#include "trainer/metrics/console_sink.h"
#include "trainer/metrics/log.h"
#include "trainer/metrics/margins_file.h"
#include "trainer/metrics/run_card.h"
#include "trainer/metrics/run_totals.h"

namespace caravan::recipes {

class RunDirectory {
 public:
  // Makes and locks run.dir, decides whether to resume, and writes the resolved recipe. Throws RecipeError or
  // trainer::Error where the directory holds a run of another recipe (the differences are listed), files that
  // no run wrote but this one would replace, or damaged checkpoints only; or where run.resume does not allow
  // what is there.
  RunDirectory(const Recipe& recipe, trainer::Terminal& terminal);
  // What was found in it decides whether the run may go on; then the resolved recipe is written.
  // `passed_over`: checkpoints that are not complete. Throws as above.
  void go_on_from(const Recipe& recipe, const std::optional<trainer::FoundCheckpoint>& checkpoint,
                  int passed_over);

  const std::filesystem::path& path() const { return path_; }
  trainer::Log& log() { return log_; }
  // The run ended before: final/ is there and complete.
  bool is_finished() const;
  // A launch of it never told its end. Throws trainer::Error where the card is none.
  bool is_card_open() const;

  // Opens metrics.jsonl, tensorboard/ and the console for a run that goes on after `last_step`; opens the run
  // card, which tells where it computes.
  void start(const Recipe& recipe, const trainer::RunIdentity& identity,
             const std::vector<std::string>& command, const std::string& device, std::int64_t num_steps,
             std::int64_t last_step);
  void report(std::int64_t step, const std::vector<trainer::MetricValue>& values);
  // How far each pair of a step was won: a row's name and its margin.
  void report_margins(std::int64_t step, const std::vector<std::pair<std::string, double>>& margins);
  // Metrics so far are on the disk.
  void flush();
  // Closes the run card. `reason`: the signal of a run that was stopped; `final_hashes`: of what a run that
  // is done wrote.
  void finish(const std::string& outcome, std::int64_t last_step, const std::string& reason = {},
              const std::map<std::string, std::string>& final_hashes = {});
  void record_error(const std::string& error) noexcept { log_.record_error(error); }
  // The same for a run that ends by an error, which goes on its way: never throws.
  void fail(const std::string& error, std::int64_t last_step) noexcept;
  // The last line of a run that is done.
  std::string summary() const;
  // What the bar says is going on between steps; empty: nothing.
  void set_activity(const std::string& text);

 private:
  void require_a_way_on(bool has_checkpoint, int passed_over) const;

  std::filesystem::path path_;
  trainer::Terminal& terminal_;
  trainer::RunLock lock_;
  trainer::Log log_;
  bool has_recipe_ = false;  // of an earlier launch
  std::vector<std::unique_ptr<trainer::Sink>> sinks_;
  std::optional<trainer::MarginsFile> margins_;  // of a stage on pairs
  trainer::RunTotals totals_;
  trainer::ConsoleSink* console_ = nullptr;  // of sinks_, once the run has started
  std::chrono::steady_clock::time_point opened_ = std::chrono::steady_clock::now();
  bool card_open_ = false;
};

}  // namespace caravan::recipes
