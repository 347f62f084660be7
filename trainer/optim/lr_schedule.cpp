#include "trainer/optim/lr_schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "trainer/error.h"

namespace caravan::trainer {

namespace {

std::int64_t steps_of(const data::Quantity& quantity, std::int64_t num_steps) {
  if (quantity.unit != data::Unit::kPercent) return static_cast<std::int64_t>(quantity.amount);
  return static_cast<std::int64_t>(
      std::ceil(static_cast<double>(num_steps) * quantity.amount / 100.0 - 1e-9));
}

double half_cosine(double progress) {
  return 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
}

}  // namespace

LrSchedule::LrSchedule(const ScheduleOptions& options, double peak, std::int64_t num_steps)
    : name_(options.name),
      peak_(peak),
      min_share_(options.min_lr_rate.value_or(0.0)),
      num_steps_(num_steps),
      warmup_steps_(steps_of(options.warmup, num_steps)),
      decay_steps_(options.decay ? steps_of(*options.decay, num_steps) : 0) {
  if (warmup_steps_ + decay_steps_ > num_steps)
    throw Error(Error::Kind::kUsage, "schedule: warm-up of " + std::to_string(warmup_steps_) +
                                         " steps and decay of " + std::to_string(decay_steps_) +
                                         " steps do not fit into a run of " + std::to_string(num_steps) +
                                         " steps; shorten schedule.warmup or schedule.decay");
}

double LrSchedule::rate(std::int64_t step) const {
  if (step < warmup_steps_) {
    const double progress =
        static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(1, warmup_steps_));
    // Only warmup_stable_decay starts at its floor instead of 0.
    return peak_ * (name_ == ScheduleName::kWsd ? min_share_ + (1.0 - min_share_) * progress : progress);
  }
  return peak_ * share_after_warmup(step);
}

void LrSchedule::require_a_rate() const {
  for (std::int64_t step = 0; step < num_steps_; ++step)
    if (rate(step) > 0.0) return;
  throw Error(Error::Kind::kUsage,
              "schedule: the run has " + std::to_string(num_steps_) +
                  (num_steps_ == 1 ? " step, " : " steps, ") + std::to_string(warmup_steps_) +
                  " of them warm-up, which begins at rate 0, so no step would change the model; write "
                  "schedule.warmup: 0 %, or train longer");
}

double LrSchedule::share_after_warmup(std::int64_t step) const {
  const auto left = static_cast<double>(num_steps_ - step), after = static_cast<double>(step - warmup_steps_);
  const double span = static_cast<double>(std::max<std::int64_t>(1, num_steps_ - warmup_steps_));
  switch (name_) {
    case ScheduleName::kConstant:
      return 1.0;
    case ScheduleName::kLinear: {
      if (min_share_ == 0.0) return std::max(0.0, left / span);
      if (min_share_ == 1.0) return 1.0;
      // The fall is stretched so that the rate after the last step is the floor (open-instruct's
      // final_lr_ratio).
      const double horizon =
          (static_cast<double>(num_steps_) - min_share_ * static_cast<double>(warmup_steps_)) /
          (1.0 - min_share_);
      return std::max(0.0,
                      (horizon - static_cast<double>(step)) / (horizon - static_cast<double>(warmup_steps_)));
    }
    case ScheduleName::kCosine:
      return std::max(0.0, half_cosine(after / span));
    case ScheduleName::kCosineWithMinLr:
      return std::max(0.0, half_cosine(after / span) * (1.0 - min_share_) + min_share_);
    case ScheduleName::kWsd: {
      const std::int64_t fall = num_steps_ - decay_steps_;
      if (step < fall) return 1.0;
      if (step >= num_steps_) return min_share_;
      const double progress =
          static_cast<double>(step - fall) / static_cast<double>(std::max<std::int64_t>(1, decay_steps_));
      return std::max(0.0, half_cosine(progress) * (1.0 - min_share_) + min_share_);
    }
    case ScheduleName::kInverseSqrt: {
      const double timescale = warmup_steps_ > 0 ? static_cast<double>(warmup_steps_) : 10000.0;
      return 1.0 / std::sqrt((static_cast<double>(step) + timescale - static_cast<double>(warmup_steps_)) /
                             timescale);
    }
  }
  return 1.0;
}

}  // namespace caravan::trainer
