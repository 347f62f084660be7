#include "recipes/stages/stage_checkpoints.h"

#include <array>
#include <cstdio>
#include <utility>

#include "trainer/distributed/rank_place.h"
#include "trainer/stop_request.h"

namespace caravan::recipes {

StageCheckpoints::StageCheckpoints(const Recipe& recipe, trainer::ProcessGroup& group, RunDirectory* run)
    : recipe_(recipe),
      group_(group),
      run_(run),
      writer_(recipe.run.dir, recipe.run.keep, group),
      job_end_(trainer::read_environment()) {}

bool StageCheckpoints::is_due(std::int64_t step) {
  const auto& every = recipe_.run.checkpoint_every;
  if (!every) return false;
  if (every->unit == data::Unit::kSteps) return step % static_cast<std::int64_t>(every->amount) == 0;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_due_ < std::chrono::duration<double>(every->amount * 60.0)) return false;
  last_due_ = now;
  return true;
}

bool StageCheckpoints::wants_stop() {
  is_job_over_ = job_end_.is_near();
  return trainer::StopRequest::requested() || is_job_over_;
}

bool StageCheckpoints::must_stop() {
  std::array<double, 1> wish{wants_stop() ? 1.0 : 0.0};
  group_.all_reduce(wish, trainer::Reduce::kMax, "wishes");
  return wish[0] > 0.0;
}

StageCheckpoints::Wishes StageCheckpoints::after_step(std::int64_t step) {
  std::array<double, 2> wishes{wants_stop() ? 1.0 : 0.0, is_due(step) ? 1.0 : 0.0};
  group_.all_reduce(wishes, trainer::Reduce::kMax, "wishes");
  tell_of(writer_.poll());
  return {.stop = wishes[0] > 0.0, .save = wishes[1] > 0.0};
}

std::string StageCheckpoints::stop_reason() const {
  const std::string signal = trainer::StopRequest::signal_name();
  if (!signal.empty()) return signal;
  return is_job_over_ ? "the end of the job, which SLURM_JOB_END_TIME tells" : "another rank";
}

void StageCheckpoints::prepare(const std::vector<trainer::StatePart>& state) {
  if (recipe_.run.checkpoint_every) writer_.prepare(state);
}

void StageCheckpoints::save(trainer::CheckpointContent content, bool is_last) {
  group_.set_section("saving", kLongestSilence);
  if (run_) {
    run_->set_activity("saving");
    // Metrics are on the disk before a checkpoint can say that it is complete.
    run_->flush();
  }
  tell_of(writer_.begin(std::move(content), is_last));
  if (run_) run_->set_activity("");
  group_.set_section("");
}

void StageCheckpoints::finish() {
  if (run_) run_->set_activity("saving");
  tell_of(writer_.finish());
  if (run_) run_->set_activity("");
}

void StageCheckpoints::finish_quietly() noexcept {
  try {
    tell_of(writer_.finish());
  } catch (const std::exception& error) {
    if (run_) run_->record_error(error.what());
  }
}

double StageCheckpoints::take_waited_seconds() {
  return std::exchange(waited_seconds_, 0.0);
}

void StageCheckpoints::tell_of(const std::optional<trainer::SavedCheckpoint>& saved) {
  if (!saved) return;
  waited_seconds_ += saved->blocked_seconds;
  job_end_.saved(saved->seconds);
  if (!run_) return;
  char text[120];
  std::snprintf(text, sizeof text,
                "checkpoint after step %lld saved in %.1f s; training waited %.2f s of them",
                static_cast<long long>(saved->step), saved->seconds, saved->blocked_seconds);
  run_->log().info(text);
}

}  // namespace caravan::recipes
