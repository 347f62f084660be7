// How much memory this process holds, as the kernel counts it.
#pragma once

#include <cstdint>
#include <string_view>

namespace caravan::trainer {

struct ProcessMemory {
  std::uint64_t resident_bytes = 0;
  std::uint64_t address_bytes = 0;        // mapped, used or not: what ulimit -v bounds
  std::uint64_t peak_resident_bytes = 0;  // since the start
};

// Zeros where the kernel does not say (no /proc). Thread-safe; takes about 20 microseconds.
ProcessMemory read_process_memory();

// The same from the text of /proc/PID/status.
ProcessMemory parse_process_status(std::string_view status);

}  // namespace caravan::trainer
