#include "trainer/compute_speed.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>

#include "models/ops/gemm.h"
#include "trainer/device_work.h"

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
  // A GPU is handed several at once, so that the way there and back does not count.
  const int products = device.is_cuda() ? 8 : 1;
  const double n = static_cast<double>(size), work = 2.0 * n * n * n * products;
  double best = 0.0;
  const auto begin = std::chrono::steady_clock::now();
  for (int run = 0; run < kWarmUps + kFewest || std::chrono::steady_clock::now() - begin < longest; ++run) {
    wait_for(device);
    const auto start = std::chrono::steady_clock::now();
    for (int product = 0; product < products; ++product) models::matmul_nt(a, b);
    wait_for(device);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (run >= kWarmUps) best = std::max(best, work / seconds);
  }
  return best;
}

}  // namespace caravan::trainer
