#include "trainer/reference/moving_reference.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "trainer/optim/composed_adamw.h"

namespace caravan::trainer {
namespace {

// Elements that are mixed at a time: what is made on the way stays small.
constexpr std::int64_t kPiece = 1 << 20;

}  // namespace

MovingReference::MovingReference(UnitShards& reference, UnitShards& policy, const ModelOptimizer& optimizer,
                                 double alpha)
    : reference_(reference), policy_(policy), optimizer_(optimizer), alpha_(alpha) {
  if (reference.model().dtype() != at::kBFloat16 || alpha_ == 1.0) return;
  for (std::size_t unit = 0; unit < reference_.num_units(); ++unit)
    remainders_.push_back(at::zeros_like(own_values(unit), at::kShort));
}

// A frozen model is whole on all ranks where only the optimizer or gradients are sharded.
at::Tensor MovingReference::own_values(std::size_t unit) {
  const at::Tensor values = reference_.own_values(unit);
  const UnitShards::Range own = policy_.own_range(unit);
  const std::int64_t count = own.end - own.begin;
  return values.numel() == count ? values : values.narrow(0, own.begin, count);
}

void MovingReference::mix() {
  const at::NoGradGuard no_grad;
  for (std::size_t unit = 0; unit < reference_.num_units(); ++unit) {
    const at::Tensor all = own_values(unit);
    for (std::int64_t begin = 0; begin < all.numel(); begin += kPiece) {
      const std::int64_t count = std::min(kPiece, all.numel() - begin);
      at::Tensor values = all.narrow(0, begin, count);
      if (alpha_ == 1.0) {
        values.copy_(policy_.own_values(unit).narrow(0, begin, count));
        continue;
      }
      const bool exact = remainders_.empty();
      at::Tensor remainder = exact ? at::Tensor() : remainders_[unit].narrow(0, begin, count);
      // Products and sum apart: fused into one rounding, an element's bits would depend on its neighbours.
      at::Tensor mixed = exact ? values : join_master(values, remainder);
      mixed.mul_(1.0 - alpha_);
      mixed.add_(optimizer_.master(unit, begin, count).mul_(alpha_));
      if (!exact) split_master(mixed, values, remainder);
    }
  }
  bring_to_all();
}

// What a pass has left gathered of the last question is of the old values.
void MovingReference::bring_to_all() {
  for (std::size_t unit = 0; unit < reference_.num_units(); ++unit) {
    reference_.release_values(unit);
    const at::Tensor own = own_values(unit), whole = reference_.own_values(unit);
    if (own.numel() == whole.numel()) continue;
    reference_.group().all_gather(whole, own, "reference " + policy_.model().units()[unit].name()).wait();
  }
}

std::vector<StatePart> MovingReference::state() {
  std::vector<StatePart> state;
  for (std::size_t i = 0; i < reference_.num_units(); ++i) {
    const std::string name = "reference." + reference_.model().units()[i].name();
    state.push_back(state_part(policy_, i, name + ".values", own_values(i)));
    if (!remainders_.empty())
      state.push_back(state_part(policy_, i, name + ".master_remainder", remainders_[i]));
  }
  return state;
}

void MovingReference::state_restored() {
  bring_to_all();
}

}  // namespace caravan::trainer
