// Optimizer step -> learning rate. The shapes follow transformers' get_scheduler, so that published recipes
// mean the same here.
#pragma once

#include <cstdint>

#include "trainer/optim/schedule_options.h"

namespace caravan::trainer {

// A schedule with its lengths worked out for a run of `num_steps` optimizer steps. Warm-up in percent is
// rounded up, as transformers does.
class LrSchedule {
 public:
  // Throws Error (usage) where warm-up and decay do not fit into the run.
  LrSchedule(const ScheduleOptions& options, double peak, std::int64_t num_steps);

  // Rate of step 0, 1, ...: a warm-up begins at rate 0, of wsd at its floor.
  double rate(std::int64_t step) const;
  std::int64_t warmup_steps() const { return warmup_steps_; }
  // Throws Error (usage) where every step of the run has rate 0: a warm-up begins there, so a run of one step
  // can be all warm-up.
  void require_a_rate() const;

 private:
  double share_after_warmup(std::int64_t step) const;

  ScheduleName name_;
  double peak_;
  double min_share_;
  std::int64_t num_steps_, warmup_steps_, decay_steps_;
};

}  // namespace caravan::trainer
