#include "trainer/batch_tensors.h"

#include <algorithm>

#include "models/device.h"

namespace caravan::trainer {

ModelInput model_input(const data::MicroBatch& batch, const at::Device& device) {
  return {models::device_copy<std::int64_t>(batch.ids, device),
          {batch.positions, batch.doc_starts, batch.prefix_starts, batch.prefix_lengths}};
}

at::Tensor target_tensor(const data::MicroBatch& batch, const at::Device& device) {
  std::vector<std::int64_t> targets(batch.targets.size());
  std::transform(batch.targets.begin(), batch.targets.end(), targets.begin(),
                 [](std::int32_t target) { return std::max<std::int64_t>(0, target); });
  return models::device_copy<std::int64_t>(targets, device);
}

at::Tensor float_tensor(const std::vector<float>& values, const at::Device& device) {
  return models::device_copy<float>(values, device);
}

at::Tensor weighted_rows(const std::vector<float>& weights, const at::Device& device) {
  std::vector<std::int64_t> rows;
  for (std::size_t t = 0; t < weights.size(); ++t)
    if (weights[t] != 0.f) rows.push_back(static_cast<std::int64_t>(t));
  return models::device_copy<std::int64_t>(rows, device);
}

losses::OutputHead output_head(models::Llama& model) {
  return {model.config().head_rows(), [&model](const at::Tensor& hidden) { return model.logits(hidden); },
          [&model](const at::Tensor& d_logits, const at::Tensor& hidden) {
            return model.logits_backward(d_logits, hidden);
          }};
}

}  // namespace caravan::trainer
