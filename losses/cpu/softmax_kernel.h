// One row of logits: loss, and the gradient in its place. Compiled for AVX2 and AVX-512; softmax_kernel<T>()
// picks by cpuid.
#pragma once

#include <cstdint>

namespace caravan::losses::cpu {

struct RowOptions {
  float label_smoothing = 0.f;
  float z_loss = 0.f;
  float softcap = 0.f;
  float inverse_temperature = 1.f;
  bool gradient = true;
  bool entropy = false;
};
struct RowResult {
  float loss, z, log_prob;
  float entropy = 0.f;  // of the whole row, where it is asked for
};
// x [width] logits; with options.gradient replaced by scale * d loss / d x.
template <class T>
using SoftmaxKernel = RowResult (*)(T* x, std::int64_t width, std::int64_t target, float scale,
                                    const RowOptions& options);

template <class T>
SoftmaxKernel<T> softmax_kernel();

}  // namespace caravan::losses::cpu
