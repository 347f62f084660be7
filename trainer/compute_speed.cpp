#include "trainer/compute_speed.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>

#include "models/ops/gemm.h"

namespace caravan::trainer {

double measure_gemm(at::ScalarType dtype, const at::Device& device, std::chrono::milliseconds longest) {
  at::NoGradGuard no_grad;
  constexpr int kWarmUps = 2, kFewest = 4;
  const std::int64_t size = device.is_cuda() ? 8192 : 1024;
  // Numbers that differ: a GPU draws less power, and so is faster, on a matrix of ones.
  const at::Tensor a = at::linspace(-1.0, 1.0, size * size,
                                    at::TensorOptions().dtype(at::kFloat).device(device))
                           .view({size, size})
                           .to(dtype),
                   b = a.clone();
  double best = 0.0;
  const auto begin = std::chrono::steady_clock::now();
  for (int run = 0; run < kWarmUps + kFewest || std::chrono::steady_clock::now() - begin < longest; ++run) {
    const auto start = std::chrono::steady_clock::now();
    models::matmul_nt(a, b)[0][0].item<float>();  // waits for the device
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const auto n = static_cast<double>(size);
    if (run >= kWarmUps) best = std::max(best, 2.0 * n * n * n / seconds);
  }
  return best;
}

}  // namespace caravan::trainer
