#include "trainer/compute_speed.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>

#include "models/ops/gemm.h"

namespace caravan::trainer {

double measure_gemm(at::ScalarType dtype, const at::Device& device) {
  at::NoGradGuard no_grad;
  constexpr std::int64_t kSize = 1024;
  const at::Tensor a = at::ones({kSize, kSize}, at::TensorOptions().dtype(dtype).device(device)),
                   b = a.clone();
  double best = 0.0;
  for (int run = 0; run < 4; ++run) {
    const auto start = std::chrono::steady_clock::now();
    models::matmul_nt(a, b)[0][0].item<float>();  // waits for the device
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    best = std::max(best, 2.0 * kSize * kSize * kSize / seconds);
  }
  return best;
}

}  // namespace caravan::trainer
