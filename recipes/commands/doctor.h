// `caravan doctor`: what this machine and this program can do, what is missing, and what to do about it.
//
// The report is text for people or JSON (--json). What only LibTorch knows comes through probes, so that this
// file needs none of it.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "trainer/metrics/host_facts.h"

namespace caravan::recipes {

struct DeviceFacts {
  std::string name;  // "cuda:0 NVIDIA H100 80GB HBM3"
  std::uint64_t memory_bytes = 0;
  std::uint64_t free_memory_bytes = 0;
};

struct SpeedFacts {
  std::string what;  // "cpu bf16 matrix product"
  double gigaflops_per_second = 0;
};

// Each may be empty: then the report says "not measured". A probe that throws becomes a problem in the
// report.
struct DoctorProbes {
  std::vector<std::pair<std::string, std::string>> versions;  // {"caravan", "0.1.0"}, {"libtorch", "2.11.0"}
  std::function<std::vector<DeviceFacts>()> devices;
  std::function<std::vector<SpeedFacts>()> speeds;  // takes a few seconds; not called with --fast
  std::function<int()> threads;                     // that matrix products use
};

struct Finding {
  enum class Weight { kNote, kWarning, kProblem };
  Weight weight = Weight::kNote;
  std::string text;    // what was found
  std::string remedy;  // what to do
};

struct DoctorReport {
  trainer::HostFacts host;
  std::vector<std::pair<std::string, std::string>> versions;
  std::vector<DeviceFacts> devices;
  std::vector<SpeedFacts> speeds;
  int threads = 0;                    // 0: not known
  std::uint64_t free_disk_bytes = 0;  // in the current folder
  std::vector<Finding> findings;
};

DoctorReport examine(const DoctorProbes& probes, bool fast);
std::string format_report(const DoctorReport& report);
nlohmann::ordered_json to_json(const DoctorReport& report);
// What is wrong with a machine of these facts: the part of examine that only thinks.
std::vector<Finding> find_problems(const DoctorReport& report);

// Prints the report on stdout; 0, or 1 where a problem keeps Caravan from training here. Throws data::Error
// (usage).
int run_doctor(std::span<const std::string> args, const DoctorProbes& probes);
// Without LibTorch's facts.
int run_doctor(std::span<const std::string> args);

}  // namespace caravan::recipes
