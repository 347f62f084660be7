// How fast this machine multiplies matrices: what a step's arithmetic is measured against.
#pragma once

#include <ATen/core/Tensor.h>

#include <chrono>

namespace caravan::trainer {

// Floating-point operations a second of one large product in this dtype, the best of at least four after two
// to warm up; takes `longest`, more on a slow machine.
double measure_gemm(at::ScalarType dtype, const at::Device& device,
                    std::chrono::milliseconds longest = std::chrono::milliseconds(60));

}  // namespace caravan::trainer
