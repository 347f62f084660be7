#include "trainer/noise.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cmath>

#include "models/llama/random_init.h"

namespace caravan::trainer {

void add_neftune_noise(at::Tensor& hidden_TD, const data::MicroBatch& batch, double alpha, std::uint64_t seed,
                       std::int64_t step) {
  const std::int64_t width = hidden_TD.size(1);
  at::Tensor noise = at::empty({hidden_TD.size(0), width}, at::kFloat);
  float* out = noise.data_ptr<float>();
  const std::uint64_t step_key =
      models::mix_bits(seed ^ 0x6e656674756e65ull, static_cast<std::uint64_t>(step));
  at::parallel_for(
      0, static_cast<std::int64_t>(batch.document_indices.size()), 1,
      [&](std::int64_t begin, std::int64_t end) {
        for (auto d = static_cast<std::size_t>(begin); d < static_cast<std::size_t>(end); ++d) {
          const std::int64_t first = batch.doc_starts[d], length = batch.doc_starts[d + 1] - first;
          const double magnitude = alpha / std::sqrt(static_cast<double>(length * width));
          const std::uint64_t key = models::mix_bits(step_key, batch.document_indices[d]);
          for (std::int64_t i = 0; i < length * width; ++i) {
            const double unit =
                static_cast<double>(models::mix_bits(key, static_cast<std::uint64_t>(i)) >> 11) * 0x1p-53;
            out[first * width + i] = static_cast<float>((2.0 * unit - 1.0) * magnitude);
          }
        }
      });
  hidden_TD.add_(noise.to(hidden_TD.device(), hidden_TD.scalar_type()));
}

}  // namespace caravan::trainer
