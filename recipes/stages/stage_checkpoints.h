// When a stage saves, when it stops, and what saving costs it: agreed by all ranks, told by the first.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "recipes/recipe.h"
#include "recipes/stages/run_directory.h"
#include "trainer/checkpoint/checkpoint_writer.h"
#include "trainer/distributed/job_end.h"
#include "trainer/distributed/process_group.h"

namespace caravan::recipes {

class StageCheckpoints {
 public:
  // `run`: where the first rank tells of checkpoints; null on the others. All must outlive this.
  StageCheckpoints(const Recipe& recipe, trainer::ProcessGroup& group, RunDirectory* run);

  void begin_step() { job_end_.begin_step(); }
  void end_step() { job_end_.end_step(); }
  // Whether any rank is asked to stop, or the job ends before another step and save. Collective.
  bool must_stop();
  // What this rank alone knows of it.
  bool wants_stop();
  // The same as must_stop, and whether it is time to save, in one call. Completes a save that is on its way.
  // Collective.
  struct Wishes {
    bool stop = false, save = false;
  };
  Wishes after_step(std::int64_t step);
  // What asked to stop, for people.
  std::string stop_reason() const;

  // As CheckpointWriter::prepare, where the run saves while it trains.
  void prepare(const std::vector<trainer::StatePart>& state);
  // Begins to write; training goes on unless this save `is_last`. Collective. Throws as CheckpointWriter
  // does.
  void save(trainer::CheckpointContent content, bool is_last);
  // Waits until all is on the disk. Collective.
  void finish();
  // The same on the way out of an error, by one rank alone.
  void finish_quietly() noexcept;
  // Seconds that training waited for checkpoints that became complete since the last call.
  double take_waited_seconds();

 private:
  bool is_due(std::int64_t step);
  void tell_of(const std::optional<trainer::SavedCheckpoint>& saved);

  const Recipe& recipe_;
  trainer::ProcessGroup& group_;
  RunDirectory* run_;
  trainer::CheckpointWriter writer_;
  trainer::JobEnd job_end_;
  std::chrono::steady_clock::time_point last_due_ = std::chrono::steady_clock::now();
  bool is_job_over_ = false;
  double waited_seconds_ = 0.0;
};

// Files of large models may take this long; the disk says nothing meanwhile.
constexpr std::chrono::hours kLongestSilence{1};

}  // namespace caravan::recipes
