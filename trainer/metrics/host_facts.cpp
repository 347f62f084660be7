#include "trainer/metrics/host_facts.h"

#include <sched.h>
#include <sys/utsname.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <string_view>

namespace caravan::trainer {
namespace {

std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n\"";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

// The value of the first line `key<separator>value`.
std::string_view line_value(std::string_view text, std::string_view key, char separator) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    const std::size_t split = line.find(separator);
    if (split != std::string_view::npos && trimmed(line.substr(0, split)) == key)
      return trimmed(line.substr(split + 1));
    at = end + 1;
  }
  return {};
}

std::optional<std::uint64_t> leading_number(std::string_view text) {
  text = trimmed(text);
  std::uint64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end == text.data()) return std::nullopt;
  return number;
}

std::vector<std::string> features_among(std::string_view flags) {
  const std::string padded = " " + std::string(flags) + " ";
  std::vector<std::string> found;
  for (const char* feature : {"avx2", "fma", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16"}) {
    if (padded.find(" " + std::string(feature) + " ") != std::string::npos) found.emplace_back(feature);
  }
  return found;
}

int count_lines_with(std::string_view text, std::string_view key) {
  int count = 0;
  for (std::size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at + key.size())) {
    if (at == 0 || text[at - 1] == '\n') ++count;
  }
  return count;
}

// Each core once, however many threads it runs; 0 where the kernel does not number them.
int count_cores(std::string_view cpus) {
  std::set<std::string> cores;
  for (std::size_t at = 0; at < cpus.size();) {
    const std::size_t end = std::min(cpus.find("\n\n", at), cpus.size());
    const std::string_view block = cpus.substr(at, end - at);
    const std::string_view core = line_value(block, "core id", ':');
    if (!core.empty())
      cores.insert(std::string(line_value(block, "physical id", ':')) + "/" + std::string(core));
    at = end + 2;
  }
  return static_cast<int>(cores.size());
}

// The folder of this process's control group (version 2), and its parents: any of them may hold a limit.
std::vector<std::filesystem::path> control_groups(const std::filesystem::path& root) {
  const std::string membership = read_text(root / "proc/self/cgroup");
  std::vector<std::filesystem::path> folders;
  std::filesystem::path group;
  if (membership.starts_with("0::/")) group = std::string(trimmed(std::string_view(membership).substr(4)));
  for (;; group = group.parent_path()) {
    folders.push_back(root / "sys/fs/cgroup" / group);
    if (group.empty()) return folders;
  }
}

// A quota of 150 % of a CPU counts as two: less would leave a half idle.
std::optional<int> cpus_of_quota(std::string_view cpu_max) {
  const std::optional<std::uint64_t> quota = leading_number(cpu_max);
  if (!quota) return std::nullopt;
  const std::optional<std::uint64_t> period =
      leading_number(cpu_max.substr(std::min(cpu_max.find(' '), cpu_max.size())));
  if (!period || *period == 0) return std::nullopt;
  return static_cast<int>(std::clamp<std::uint64_t>((*quota + *period - 1) / *period, 1, 4096));
}

int cpus_of_affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

void apply_limits(const std::filesystem::path& root, HostFacts& facts) {
  for (const std::filesystem::path& folder : control_groups(root)) {
    if (const auto cpus = cpus_of_quota(read_text(folder / "cpu.max")))
      facts.usable_cpus = std::min(facts.usable_cpus, *cpus);
    if (const auto limit = leading_number(read_text(folder / "memory.max"))) {
      const std::uint64_t used = leading_number(read_text(folder / "memory.current")).value_or(0);
      facts.usable_memory_bytes = std::min(facts.usable_memory_bytes, *limit > used ? *limit - used : 0);
      facts.memory_limit_bytes =
          facts.memory_limit_bytes == 0 ? *limit : std::min(facts.memory_limit_bytes, *limit);
    }
  }
}

}  // namespace

HostFacts read_host_facts(const std::filesystem::path& root) {
  HostFacts facts;
  utsname names{};
  if (::uname(&names) == 0) {
    facts.host_name = names.nodename;
    facts.kernel = names.release;
  }
  facts.system = line_value(read_text(root / "etc/os-release"), "PRETTY_NAME", '=');
  const std::string cpus = read_text(root / "proc/cpuinfo");
  facts.cpu_model = line_value(cpus, "model name", ':');
  facts.cpu_features = features_among(line_value(cpus, "flags", ':'));
  facts.logical_cpus = std::max(1, count_lines_with(cpus, "processor"));
  facts.physical_cores = count_cores(cpus);
  const int allowed = root == "/" ? cpus_of_affinity() : 0;
  facts.usable_cpus = allowed > 0 ? allowed : facts.logical_cpus;
  const std::string memory = read_text(root / "proc/meminfo");
  facts.memory_bytes = leading_number(line_value(memory, "MemTotal", ':')).value_or(0) * 1024;
  facts.usable_memory_bytes = leading_number(line_value(memory, "MemAvailable", ':')).value_or(0) * 1024;
  apply_limits(root, facts);
  return facts;
}

nlohmann::ordered_json to_json(const HostFacts& facts) {
  return {{"host_name", facts.host_name},
          {"system", facts.system},
          {"kernel", facts.kernel},
          {"cpu_model", facts.cpu_model},
          {"cpu_features", facts.cpu_features},
          {"logical_cpus", facts.logical_cpus},
          {"physical_cores", facts.physical_cores},
          {"usable_cpus", facts.usable_cpus},
          {"memory_bytes", facts.memory_bytes},
          {"memory_limit_bytes", facts.memory_limit_bytes},
          {"usable_memory_bytes", facts.usable_memory_bytes}};
}

}  // namespace caravan::trainer
