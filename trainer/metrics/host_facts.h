// What machine this is: for the run card, for `caravan doctor`, and for memory plans.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace caravan::trainer {

struct HostFacts {
  std::string host_name;
  std::string system;  // "Debian GNU/Linux 12 (bookworm)"
  std::string kernel;
  std::string cpu_model;
  std::vector<std::string>
      cpu_features;  // of those our kernels ask about: avx2, fma, avx512f, avx512_bf16, amx_bf16
  int logical_cpus = 0;
  int physical_cores = 0;  // 0: the kernel does not say
  int usable_cpus = 0;     // what affinity and the control group leave of them, at least 1
  std::uint64_t memory_bytes = 0;
  std::uint64_t memory_limit_bytes = 0;   // of the control group; 0: none
  std::uint64_t usable_memory_bytes = 0;  // available now, and no more than the control group allows
};

// Reads /proc, /etc and /sys below `root`; what is not there stays empty. Thread-safe.
HostFacts read_host_facts(const std::filesystem::path& root = "/");

nlohmann::ordered_json to_json(const HostFacts& facts);

}  // namespace caravan::trainer
