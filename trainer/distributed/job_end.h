// When the scheduler will end the job, where it says so, and whether it is time to save for that.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "trainer/distributed/rank_place.h"

namespace caravan::trainer {

// SLURM_JOB_END_TIME, in seconds since 1970. Nothing where it is not set or no such number.
std::optional<std::chrono::system_clock::time_point> job_end(const Environment& environment);

// Whether another step and a save might not fit before `end`: each may take twice as long as the longest so
// far, and a minute is left over.
bool must_save_now(std::chrono::system_clock::time_point now, std::chrono::system_clock::time_point end,
                   std::chrono::duration<double> longest_step, std::chrono::duration<double> longest_save);

// The same for a run, which tells it how long things take. Not for several threads.
class JobEnd {
 public:
  explicit JobEnd(const Environment& environment) : end_(job_end(environment)) {}

  void begin_step() { step_began_ = std::chrono::steady_clock::now(); }
  void end_step() { longest_step_ = std::max(longest_step_, std::chrono::steady_clock::now() - step_began_); }
  void saved(double seconds) {
    longest_save_ = std::max(longest_save_, std::chrono::duration<double>(seconds));
  }
  // True where the end is known and near.
  bool is_near() const {
    return end_ && must_save_now(std::chrono::system_clock::now(), *end_, longest_step_, longest_save_);
  }

 private:
  std::optional<std::chrono::system_clock::time_point> end_;
  std::chrono::steady_clock::time_point step_began_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::duration longest_step_{};
  std::chrono::duration<double> longest_save_{};
};

}  // namespace caravan::trainer
