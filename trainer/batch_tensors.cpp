#include "trainer/batch_tensors.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace caravan::trainer {

namespace {

at::Tensor long_tensor(const std::vector<std::int32_t>& values, const at::Device& device) {
  at::Tensor tensor = at::empty({static_cast<std::int64_t>(values.size())}, at::kLong);
  std::transform(values.begin(), values.end(), tensor.data_ptr<std::int64_t>(),
                 [](std::int32_t value) { return std::max<std::int64_t>(0, value); });
  return tensor.to(device, at::kLong, true);
}

}  // namespace

ModelInput model_input(const data::MicroBatch& batch, const at::Device& device) {
  return {long_tensor(batch.ids, device), {batch.positions, batch.doc_starts}};
}

at::Tensor target_tensor(const data::MicroBatch& batch, const at::Device& device) {
  return long_tensor(batch.targets, device);
}

at::Tensor float_tensor(const std::vector<float>& values, const at::Device& device) {
  at::Tensor tensor = at::empty({static_cast<std::int64_t>(values.size())}, at::kFloat);
  std::copy(values.begin(), values.end(), tensor.data_ptr<float>());
  return tensor.to(device, at::kFloat, true);
}

}  // namespace caravan::trainer
