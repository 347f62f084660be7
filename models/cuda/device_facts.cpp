#include <cuda_runtime_api.h>

#include <map>
#include <mutex>

#include "models/device.h"

namespace caravan::models {

namespace {

DeviceFacts ask_runtime(int index) {
  cudaDeviceProp properties{};
  const cudaError_t code = cudaGetDeviceProperties(&properties, index);
  TORCH_CHECK(code == cudaSuccess, "cuda:", index, ": ", cudaGetErrorString(code));
  return {properties.name, properties.totalGlobalMem, properties.major * 10 + properties.minor};
}

}  // namespace

const DeviceFacts& device_facts(const at::Device& device) {
  static const DeviceFacts none;
  if (!device.is_cuda()) return none;
  static std::mutex mutex;
  static std::map<int, DeviceFacts> known;
  const std::lock_guard lock(mutex);
  const int index = device.has_index() ? device.index() : 0;
  const auto found = known.find(index);
  return found != known.end() ? found->second : known.emplace(index, ask_runtime(index)).first->second;
}

}  // namespace caravan::models
