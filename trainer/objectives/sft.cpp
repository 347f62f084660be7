#include "trainer/objectives/sft.h"

#include <ATen/ATen.h>

#include "losses/linear_cross_entropy.h"
#include "trainer/batch_tensors.h"

namespace caravan::trainer {

namespace {

// Logits at a time on a GPU: some thousand rows keep it busy; what is made of them in fp32 is several times
// this.
constexpr std::int64_t kDeviceChunkBytes = std::int64_t{256} << 20;

double trained_tokens(const data::MicroBatch& batch, std::size_t document) {
  double tokens = 0.0;
  for (auto t = static_cast<std::size_t>(batch.doc_starts[document]);
       t < static_cast<std::size_t>(batch.doc_starts[document + 1]); ++t)
    tokens += batch.weights[t] != 0.f;
  return tokens;
}

// Weights of an example_mean: every document's trained tokens weigh one together.
std::vector<float> weights_by_document(const data::MicroBatch& batch) {
  std::vector<float> weights = batch.weights;
  for (std::size_t d = 0; d + 1 < batch.doc_starts.size(); ++d) {
    const double tokens = trained_tokens(batch, d);
    for (auto t = static_cast<std::size_t>(batch.doc_starts[d]);
         t < static_cast<std::size_t>(batch.doc_starts[d + 1]); ++t)
      if (weights[t] != 0.f) weights[t] = static_cast<float>(1.0 / tokens);
  }
  return weights;
}

}  // namespace

double SftObjective::count(const data::MicroBatch& batch) const {
  double tokens = 0.0, documents = 0.0;
  for (std::size_t d = 0; d + 1 < batch.doc_starts.size(); ++d) {
    const double own = trained_tokens(batch, d);
    tokens += own;
    documents += own > 0.0;
  }
  return options_.reduction == Reduction::kExampleMean ? documents : tokens;
}

double SftObjective::divisor(double global_count) const {
  return options_.reduction == Reduction::kSum ? 1.0 : global_count;
}

ObjectiveResult SftObjective::loss(const at::Tensor& hidden_TD, const losses::OutputHead& head,
                                   const data::MicroBatch& batch, const double* gradient_scale) const {
  losses::CrossEntropyOptions options;
  options.label_smoothing = options_.label_smoothing_factor;
  options.z_loss = options_.z_loss;
  options.gradient = gradient_scale != nullptr;
  options.gradient_scale = gradient_scale ? *gradient_scale : 0.0;
  const at::Device device = hidden_TD.device();
  options.weighted_rows = weighted_rows(batch.weights, device);
  if (device.is_cuda()) options.chunk_bytes = kDeviceChunkBytes;
  const at::Tensor weights_T = float_tensor(
      options_.reduction == Reduction::kExampleMean ? weights_by_document(batch) : batch.weights, device);
  const auto result =
      losses::linear_cross_entropy(hidden_TD, head, target_tensor(batch, device), weights_T, options);
  const auto weighted_sum = [&](const at::Tensor& rows_T) {
    return (rows_T.to(at::kDouble) * weights_T.to(at::kDouble)).sum();
  };

  ObjectiveResult out;
  const double counted = count(batch);
  out.terms.loss = {weighted_sum(result.row_loss_T), counted};
  if (options_.z_loss > 0.0) out.terms.metrics["z_loss"] = {weighted_sum(result.row_z_T), counted};
  out.d_hidden_TD = result.d_hidden_TD;
  return out;
}

}  // namespace caravan::trainer
