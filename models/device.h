// What is particular to devices other than the CPU. A build without CUDA has a file in place of the part that
// asks CUDA.
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace caravan::models {

struct DeviceFacts {
  std::string name;                // "NVIDIA H100 80GB HBM3"; empty: not known
  std::uint64_t memory_bytes = 0;  // 0: not known
  int compute_capability = 0;      // 90 = 9.0; 0: no CUDA device
};
// Of a CUDA device; asked of the driver once. Everything not known for other devices.
const DeviceFacts& device_facts(const at::Device& device);

// fp32 products in true fp32 (never TF32) and sums over bf16 products in fp32, whatever the environment says.
// For the whole process.
void require_exact_products();

// Uninitialised, on the CPU; where `device` is a GPU, in memory that it can copy from while the host goes on.
at::Tensor staging_tensor(std::int64_t size, at::ScalarType dtype, const at::Device& device);

// Host values as a tensor [size] of another type on `device`. The host does not wait for the device.
template <class To, class From>
at::Tensor device_copy(const std::vector<From>& values, const at::Device& device) {
  const at::Tensor tensor =
      staging_tensor(static_cast<std::int64_t>(values.size()), c10::CppTypeToScalarType<To>::value, device);
  std::transform(values.begin(), values.end(), tensor.mutable_data_ptr<To>(),
                 [](From value) { return static_cast<To>(value); });
  return tensor.to(device, tensor.scalar_type(), true);
}

}  // namespace caravan::models
