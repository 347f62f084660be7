// A reference that follows the policy: reference = (1 - alpha) * reference + alpha * policy.
//
// Promise: element by element in fp32 from the policy's master weights, so the same bits for any number of
// ranks and every way to shard. For bf16 the reference keeps the 16 bits that its values lack, as AdamW does,
// or an alpha below a half would often move nothing. Only values of the own part are computed; with those of
// others they travel as the policy's do. Non-goals: when (the caller's).
#pragma once

#include <vector>

#include "trainer/optim/model_optimizer.h"

namespace caravan::trainer {

class MovingReference {
 public:
  // Two models of one config, sharded by the same stage over the same group; `alpha` in (0, 1]. All must
  // outlive this.
  MovingReference(UnitShards& reference, UnitShards& policy, const ModelOptimizer& optimizer, double alpha);

  // Collective, between steps.
  void mix();
  // What resuming needs, by names that begin with "reference."; and what follows where it was read back.
  std::vector<StatePart> state();
  void state_restored();

 private:
  at::Tensor own_values(std::size_t unit);
  void bring_to_all();

  UnitShards &reference_, &policy_;
  const ModelOptimizer& optimizer_;
  double alpha_;
  std::vector<at::Tensor> remainders_;  // of the own part; empty where values are exact
};

}  // namespace caravan::trainer
