// How fast this machine multiplies matrices: what a step's arithmetic is measured against.
#pragma once

#include <ATen/core/Tensor.h>

namespace caravan::trainer {

// Floating-point operations a second of one large product in this dtype, the best of a few; takes some tens
// of milliseconds.
double measure_gemm(at::ScalarType dtype, const at::Device& device);

}  // namespace caravan::trainer
