#include "trainer/metrics/process_memory.h"

#include <charconv>
#include <fstream>
#include <iterator>
#include <string>

namespace caravan::trainer {
namespace {

// "VmRSS:     1234 kB" -> bytes.
std::uint64_t bytes_of(std::string_view status, std::string_view key) {
  const std::size_t at = status.find(key);
  if (at == std::string_view::npos || (at != 0 && status[at - 1] != '\n')) return 0;
  std::string_view rest = status.substr(at + key.size());
  const std::size_t digits = rest.find_first_not_of(" \t");
  if (digits == std::string_view::npos) return 0;
  rest.remove_prefix(digits);
  std::uint64_t kibibytes = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), kibibytes);
  return kibibytes * 1024;
}

}  // namespace

ProcessMemory parse_process_status(std::string_view status) {
  return {.resident_bytes = bytes_of(status, "VmRSS:"),
          .address_bytes = bytes_of(status, "VmSize:"),
          .peak_resident_bytes = bytes_of(status, "VmHWM:")};
}

ProcessMemory read_process_memory() {
  std::ifstream in("/proc/self/status", std::ios::binary);
  const std::string status{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  return parse_process_status(status);
}

}  // namespace caravan::trainer
