// How fast this machine multiplies matrices: what a step's arithmetic is measured against.
#pragma once

#include <ATen/core/Tensor.h>

#include <chrono>

namespace caravan::trainer {

// Floating-point operations a second of one large product in this dtype: the best of several after two to
// warm up. It ends when the three best agree within 3 %, as they do within 60 ms on an idle machine; where
// others compute too, after `longest`.
double measure_gemm(at::ScalarType dtype, const at::Device& device,
                    std::chrono::milliseconds longest = std::chrono::milliseconds(400));

}  // namespace caravan::trainer
