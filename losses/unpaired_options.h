// The names and settings of the losses on labelled answers, without a tensor.
#pragma once

#include <array>
#include <string_view>

namespace caravan::losses {

enum class UnpairedLoss { kKto, kApoZeroUnpaired };
constexpr std::array<std::string_view, 2> choice_names(UnpairedLoss) {
  return {"kto", "apo_zero_unpaired"};
}

struct UnpairedOptions {
  UnpairedLoss loss = UnpairedLoss::kKto;
  double beta = 0.1;
  double desirable_weight = 1.0;
  double undesirable_weight = 1.0;
};

}  // namespace caravan::losses
