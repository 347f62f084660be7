// Micro-batches as tensors on the model's device. The host does not wait for the device.
#pragma once

#include "data/loader/micro_batch.h"
#include "losses/output_head.h"
#include "trainer/segmented_pass.h"

namespace caravan::trainer {

ModelInput model_input(const data::MicroBatch& batch, const at::Device& device);
// targets [T] int64 (0 where there is none) and weights [T] fp32.
at::Tensor target_tensor(const data::MicroBatch& batch, const at::Device& device);
at::Tensor float_tensor(const std::vector<float>& values, const at::Device& device);
// The rows whose weight is not zero, ascending, int64.
at::Tensor weighted_rows(const std::vector<float>& weights, const at::Device& device);
// The model's head as losses take it. The model must outlive it.
losses::OutputHead output_head(models::Llama& model);

}  // namespace caravan::trainer
