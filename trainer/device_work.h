// Waiting for a device and the memory on it. All of it is nothing on the CPU.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>

namespace caravan::trainer {

// Until everything that was given to the device is done: before a clock is read.
void wait_for(const c10::Device& device);

// The most bytes that tensors held on the device at any time; 0 for the CPU.
std::uint64_t peak_device_bytes(const c10::Device& device);

// Gives memory that LibTorch keeps for later tensors back to the device.
void release_device_memory(const c10::Device& device);

}  // namespace caravan::trainer
