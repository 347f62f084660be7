// In place of cuda/device_facts.cpp in a build without CUDA.
#include "models/device.h"

namespace caravan::models {

const DeviceFacts& device_facts(const at::Device&) {
  static const DeviceFacts none;
  return none;
}

}  // namespace caravan::models
