// A weight and the place where its gradient is summed.
#pragma once

#include <ATen/core/Tensor.h>

namespace caravan::models {

// Weights are not autograd variables: the backward functions of models/ops add to `gradient` themselves, so
// that products accumulate in place and the flat buffers of a unit are written once. An undefined gradient
// means frozen.
struct Parameter {
  at::Tensor value;     // any shape, fp32 or bf16
  at::Tensor gradient;  // same shape, fp32 or the dtype of value; or undefined
};

}  // namespace caravan::models
