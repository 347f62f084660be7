// `caravan doctor`: what this machine and this program can do, what is missing, and what to do about it.
//
// The report is text for people or JSON (--json). What only LibTorch knows comes through probes, so that this
// file needs none of it.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "recipes/commands/doctor_report.h"

namespace caravan::recipes {

// Each may be empty: then the report says so. A probe that throws becomes a problem in the report.
struct DoctorProbes {
  std::vector<std::pair<std::string, std::string>> versions;   // {"caravan", "0.1.0"}, {"libtorch", "2.11.0"}
  std::vector<std::pair<std::string, std::string>> libraries;  // {"icu", "72.1"}
  bool cuda = false;                                           // the program is built for CUDA
  std::function<DriverFacts()> driver = ask_nvidia_driver;
  std::function<std::vector<SpeedFacts>()> speeds;  // takes a second; not called with --fast
  std::function<int()> threads;                     // that matrix products use
};

DoctorReport examine(const DoctorProbes& probes, bool fast);

// Prints the report on stdout; 0, or 1 where a problem keeps Caravan from training here. Throws data::Error
// (usage).
int run_doctor(std::span<const std::string> args, const DoctorProbes& probes);

}  // namespace caravan::recipes
