#include "trainer/device_work.h"

#include <ATen/DeviceAccelerator.h>

namespace caravan::trainer {

void wait_for(const c10::Device& device) {
  if (!device.is_cpu()) at::accelerator::synchronizeDevice(device.index());
}

std::uint64_t peak_device_bytes(const c10::Device& device) {
  if (device.is_cpu()) return 0;
  const auto stats = at::accelerator::getDeviceStats(device.index());
  constexpr auto kAll = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  return static_cast<std::uint64_t>(stats.allocated_bytes.at(kAll).peak);
}

void release_device_memory(const c10::Device& device) {
  if (!device.is_cpu()) at::accelerator::emptyCache();
}

}  // namespace caravan::trainer
