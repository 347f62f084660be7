// The `schedule` section of a recipe: the learning rate of each step as a share of optimizer.learning_rate.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "data/quantity.h"

namespace caravan::trainer {

enum class ScheduleName { kLinear, kCosine, kCosineWithMinLr, kConstant, kWsd, kInverseSqrt };
constexpr std::array<std::string_view, 6> choice_names(ScheduleName) {
  return {"linear", "cosine", "cosine_with_min_lr", "constant", "wsd", "inverse_sqrt"};
}

struct ScheduleOptions {
  ScheduleName name = ScheduleName::kLinear;
  data::Quantity warmup{0.0, data::Unit::kSteps};  // steps, or % of the run's steps; the rate rises from 0
  std::optional<double>
      min_lr_rate;  // last rate as a share of the peak: cosine_with_min_lr (required), linear, wsd
  std::optional<data::Quantity> decay =
      {};  // length of the fall at the end of wsd: steps or %; required there
  bool operator==(const ScheduleOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("name", name, {.help = "shape of the rate after warm-up"});
    v.field("warmup", warmup,
            {.help = "the rate rises over this part of the run; the first step has rate 0, and % are rounded "
                     "up to whole steps",
             .units = "% steps",
             .min = 0});
    v.field("min_lr_rate", min_lr_rate,
            {.help = "last rate as a share of the peak; cosine_with_min_lr needs it, linear and wsd take it",
             .min = 0,
             .max = 1});
    v.field("decay", decay,
            {.help = "length of the fall at the end; only wsd has one, and needs it",
             .units = "% steps",
             .min = 0,
             .min_excluded = true});
  }
};

}  // namespace caravan::trainer
