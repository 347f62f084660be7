// One AdamW per unit of a model, over the part that this rank owns, stepped together: clipping by the global
// norm, weight decay on matrices only.
#pragma once

#include <string>
#include <vector>

#include "trainer/checkpoint/checkpoint.h"
#include "trainer/distributed/unit_shards.h"
#include "trainer/optim/adamw.h"

namespace caravan::trainer {

class ModelOptimizer {
 public:
  // The units must have gradients and outlive the optimizer.
  ModelOptimizer(UnitShards& units, const OptimizerOptions& options);

  // Clips to max_grad_norm (0: off) by min(1, max / (norm + 1e-6)) and updates; gradients are zero
  // afterwards. `step` counts from 1. Collective: begins to bring the new values to all ranks.
  void step(std::int64_t step, double rate, double gradient_norm);

  // fp32 master weights of a checkpoint that is more precise than the model's dtype.
  void load_master(const models::HfDirectory& directory);
  // `count` fp32 weights of the unit's own part from its element `begin` on.
  at::Tensor master(std::size_t unit, std::int64_t begin, std::int64_t count) const {
    return optimizers_[unit].master(begin, count);
  }
  // Parameters and optimizer state of the own parts ("layers.0.values", "layers.0.first_moment", ...): what
  // resuming needs. The tensors are the state itself: copying into them, and telling so by state_restored,
  // restores it.
  std::vector<StatePart> state();
  void state_restored();

 private:
  UnitShards& units_;
  OptimizerOptions options_;
  std::vector<AdamW> optimizers_;
};

// A tensor of the unit's own part as a checkpoint keeps it: without the padding at the end, which depends on
// the number of ranks.
StatePart state_part(const UnitShards& units, std::size_t unit, const std::string& name,
                     const at::Tensor& own);

}  // namespace caravan::trainer
