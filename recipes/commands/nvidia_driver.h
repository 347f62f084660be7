// What the NVIDIA driver says about the GPUs of this machine, asked of the driver's own library (NVML): it
// needs no CUDA in the build, so that a build for the CPU can tell that there is a GPU it does not use.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace caravan::recipes {

struct GpuFacts {
  std::string name;  // "NVIDIA H100 80GB HBM3"
  std::uint64_t memory_bytes = 0;
  std::uint64_t free_memory_bytes = 0;
};

struct DriverFacts {
  std::string version;  // "580.95.05"; empty: no driver that answers
  std::string problem;  // why there is none; empty where there is one
  std::vector<GpuFacts> gpus;
};

// Never throws for a missing driver: that is an answer.
DriverFacts ask_nvidia_driver();

}  // namespace caravan::recipes
