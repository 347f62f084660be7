#include "trainer/objectives/head_walk.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "models/device.h"
#include "trainer/batch_tensors.h"

namespace caravan::trainer {

using at::Tensor;

TrainedRows::TrainedRows(const data::MicroBatch& batch, const at::Device& device) {
  for (std::size_t d = 0; d + 1 < batch.doc_starts.size(); ++d)
    tokens.push_back(std::count_if(batch.weights.begin() + batch.doc_starts[d],
                                   batch.weights.begin() + batch.doc_starts[d + 1],
                                   [](float weight) { return weight != 0.f; }));
  for (const std::int64_t n : tokens) num_rows += n;
  rows_N = weighted_rows(batch.weights, device);
  tokens_S = models::device_copy<std::int64_t>(tokens, device);
}

Tensor TrainedRows::select(const Tensor& values_T) const {
  return values_T.index_select(0, rows_N).to(at::kDouble);
}

Tensor TrainedRows::select(const std::vector<float>& values_T) const {
  return select(float_tensor(values_T, rows_N.device()));
}

Tensor TrainedRows::put(const Tensor& values_N, const Tensor& hidden_TD) const {
  return at::zeros({hidden_TD.size(0)}, hidden_TD.options().dtype(at::kFloat))
      .index_copy_(0, rows_N, values_N.to(at::kFloat));
}

losses::CrossEntropyResult walk_head(const Tensor& hidden_TD, const losses::OutputHead& head,
                                     const data::MicroBatch& batch, const Tensor& rows_N,
                                     const Tensor& weights_T, const double* gradient_scale,
                                     double temperature) {
  losses::CrossEntropyOptions options;
  options.gradient = gradient_scale != nullptr;
  options.gradient_scale = gradient_scale ? *gradient_scale : 0.0;
  options.weighted_rows = rows_N;
  options.temperature = temperature;
  const at::Device device = hidden_TD.device();
  // As for SFT: some thousand rows keep a GPU busy.
  if (device.is_cuda()) options.chunk_bytes = std::int64_t{256} << 20;
  return losses::linear_cross_entropy(hidden_TD, head, target_tensor(batch, device), weights_T, options);
}

Tensor trained_log_probs(const Tensor& hidden_TD, const losses::OutputHead& head,
                         const data::MicroBatch& batch, double temperature) {
  const Tensor rows_N = weighted_rows(batch.weights, hidden_TD.device());
  const Tensor ones_T = at::ones({hidden_TD.size(0)}, hidden_TD.options().dtype(at::kFloat));
  return walk_head(hidden_TD, head, batch, rows_N, ones_T, nullptr, temperature).log_probs_T;
}

}  // namespace caravan::trainer
