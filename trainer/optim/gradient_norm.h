// The L2 norm over the gradients of all ranks.
//
// Its bits do not depend on how the gradients are cut: squares are summed in fp64 over 1,024 elements each,
// which is where parts begin, and those sums are added as whole numbers, exactly.
#pragma once

#include <ATen/core/Tensor.h>

#include "trainer/distributed/unit_shards.h"

namespace caravan::trainer {

// Sums of squares of each 1,024 elements of `flat` [P], fp32 or bf16: fp64 [P / 1024, rounded up] on its
// device. NaN and infinity carry through.
at::Tensor squares_of_portions(const at::Tensor& flat);

// After UnitShards::finish_gradients. Collective; waits for the device. Not finite where a gradient is not.
double gradient_norm(UnitShards& units);

}  // namespace caravan::trainer
