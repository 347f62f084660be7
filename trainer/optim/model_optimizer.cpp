#include "trainer/optim/model_optimizer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace caravan::trainer {

namespace {

// Where weight decay applies within the own part, counted from its begin.
DecayRanges decay_ranges(const models::FlatUnit& unit, const UnitShards::Range& own) {
  DecayRanges ranges;
  for (const models::Slot& slot : unit.slots()) {
    const std::int64_t begin = std::max(slot.offset, own.begin) - own.begin,
                       end = std::min(slot.offset + slot.count, own.end) - own.begin;
    if (!slot.decay || begin >= end) continue;
    if (!ranges.empty() && ranges.back().second == begin)
      ranges.back().second = end;
    else
      ranges.emplace_back(begin, end);
  }
  return ranges;
}

}  // namespace

ModelOptimizer::ModelOptimizer(UnitShards& units, const OptimizerOptions& options)
    : units_(units), options_(options) {
  for (std::size_t i = 0; i < units.num_units(); ++i)
    optimizers_.emplace_back(units.own_values(i), decay_ranges(units.model().units()[i], units.own_range(i)),
                             options);
}

void ModelOptimizer::step(std::int64_t step, double rate, double gradient_norm) {
  const double factor =
      options_.max_grad_norm > 0.0 ? std::min(1.0, options_.max_grad_norm / (gradient_norm + 1e-6)) : 1.0;
  for (std::size_t i = 0; i < optimizers_.size(); ++i) {
    at::Tensor gradients = units_.own_gradients(i);
    optimizers_[i].step(gradients, step, rate, factor);
    units_.values_changed(i);
  }
}

void ModelOptimizer::load_master(const models::HfDirectory& directory) {
  for (std::size_t i = 0; i < optimizers_.size(); ++i) {
    const UnitShards::Range own = units_.own_range(i);
    for (const models::Slot& slot : units_.model().units()[i].slots()) {
      const std::int64_t begin = std::max(slot.offset, own.begin),
                         end = std::min(slot.offset + slot.count, own.end);
      // A head that the checkpoint lacks was made by the model, in its own dtype.
      if (begin >= end || !directory.contains(slot.name)) continue;
      const at::Tensor stored = directory.tensor(slot.name);
      // What has no more digits than the model is there already.
      if (stored.scalar_type() != units_.model().dtype())
        optimizers_[i].set_master(stored.reshape(-1).narrow(0, begin - slot.offset, end - begin),
                                  begin - own.begin);
    }
    units_.values_changed(i);
  }
}

std::vector<StatePart> ModelOptimizer::state() {
  std::vector<StatePart> state;
  for (std::size_t i = 0; i < optimizers_.size(); ++i) {
    const std::string& unit = units_.model().units()[i].name();
    state.push_back(state_part(units_, i, unit + ".values", units_.own_values(i)));
    for (const auto& [name, tensor] : optimizers_[i].state())
      state.push_back(state_part(units_, i, unit + "." + name, tensor));
  }
  return state;
}

StatePart state_part(const UnitShards& units, std::size_t unit, const std::string& name,
                     const at::Tensor& own) {
  const std::int64_t used = units.model().units()[unit].used();
  const UnitShards::Range range = units.own_range(unit);
  const std::int64_t begin = std::min(range.begin, used), count = std::min(range.end, used) - begin;
  return {name, own.narrow(0, 0, count), begin, used, units.options().stage == 0};
}

void ModelOptimizer::state_restored() {
  for (std::size_t i = 0; i < optimizers_.size(); ++i) units_.values_changed(i);
}

}  // namespace caravan::trainer
