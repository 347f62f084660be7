#include "trainer/optim/model_optimizer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace caravan::trainer {

namespace {

DecayRanges decay_ranges(const models::FlatUnit& unit) {
  DecayRanges ranges;
  for (const models::Slot& slot : unit.slots()) {
    if (!slot.decay) continue;
    if (!ranges.empty() && ranges.back().second == slot.offset)
      ranges.back().second += slot.count;
    else
      ranges.emplace_back(slot.offset, slot.offset + slot.count);
  }
  return ranges;
}

}  // namespace

ModelOptimizer::ModelOptimizer(models::Llama& model, const OptimizerOptions& options)
    : model_(model), options_(options) {
  for (models::FlatUnit& unit : model_.units())
    units_.emplace_back(unit.values(), decay_ranges(unit), options);
}

double ModelOptimizer::gradient_norm() const {
  at::Tensor total = at::zeros({}, at::TensorOptions().dtype(at::kDouble).device(model_.device()));
  for (models::FlatUnit& unit : model_.units()) total.add_(sum_of_squares(unit.gradients()));
  return std::sqrt(total.item<double>());
}

void ModelOptimizer::step(std::int64_t step, double rate, double gradient_norm) {
  const double factor =
      options_.max_grad_norm > 0.0 ? std::min(1.0, options_.max_grad_norm / (gradient_norm + 1e-6)) : 1.0;
  for (std::size_t i = 0; i < units_.size(); ++i)
    units_[i].step(model_.units()[i].gradients(), step, rate, factor);
}

void ModelOptimizer::load_master(const models::HfDirectory& directory) {
  for (std::size_t i = 0; i < units_.size(); ++i) {
    for (const models::Slot& slot : model_.units()[i].slots()) {
      const at::Tensor stored = directory.tensor(slot.name);
      // What has no more digits than the model is there already.
      if (stored.scalar_type() != model_.dtype()) units_[i].set_master(stored.reshape(-1), slot.offset);
    }
  }
}

std::map<std::string, at::Tensor> ModelOptimizer::state() {
  std::map<std::string, at::Tensor> tensors;
  for (std::size_t i = 0; i < units_.size(); ++i) {
    models::FlatUnit& unit = model_.units()[i];
    tensors[unit.name() + ".values"] = unit.values();
    for (const auto& [name, tensor] : units_[i].state()) tensors[unit.name() + "." + name] = tensor;
  }
  return tensors;
}

}  // namespace caravan::trainer
