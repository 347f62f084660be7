// What `caravan doctor` knows about a machine, what is wrong with it, and how that is printed. Nothing here
// looks at the machine.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "recipes/commands/nvidia_driver.h"
#include "trainer/metrics/host_facts.h"

namespace caravan::recipes {

struct SpeedFacts {
  std::string what;  // "cpu bf16 matrix product"
  double gigaflops_per_second = 0;
};

struct Finding {
  enum class Weight { kNote, kWarning, kProblem };
  Weight weight = Weight::kNote;
  std::string text;    // what was found
  std::string remedy;  // what to do
};

struct DoctorReport {
  trainer::HostFacts host;
  std::vector<std::pair<std::string, std::string>> versions, libraries;
  DriverFacts driver;
  bool cuda = false;  // this program was built for CUDA
  std::vector<SpeedFacts> speeds;
  int threads = 0;                    // that matrix products use; 0: not known
  std::string thread_setting;         // of OMP_NUM_THREADS; empty: not set
  double load = 0;                    // threads that want a CPU, over the last minute
  std::string disk_folder;            // where runs go: runs/ below the current folder, or that folder
  std::uint64_t free_disk_bytes = 0;  // there; 0: not known
  bool disk_writable = true;
  std::uint64_t open_files = 0;       // this process may have open; 0: not known
  std::uint64_t open_files_most = 0;  // what `ulimit -n` may raise that to
  std::vector<Finding> findings;      // failed probes first, then find_problems
};

// What is wrong with a machine of these facts, and what to do about each.
std::vector<Finding> find_problems(const DoctorReport& report);
// No finding keeps Caravan from training here.
bool is_ready(const DoctorReport& report);

std::string format_report(const DoctorReport& report);
nlohmann::ordered_json to_json(const DoctorReport& report);

}  // namespace caravan::recipes
