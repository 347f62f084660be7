// Where a command computes: `run.device` of a recipe, `--device` of a command.
#pragma once

#include <c10/core/Device.h>

#include <optional>
#include <string>
#include <string_view>

#include "recipes/command_flags.h"
#include "trainer/run_options.h"

namespace caravan::recipes {

// Whether this program can compute on a GPU here. `problem` says why not, and what to do; empty where it can.
struct CudaFacts {
  std::string problem;
};
CudaFacts ask_cuda();

// auto: the first CUDA device where there is one, else the CPU. Throws trainer::Error (usage) with the reason
// where cuda is asked for and cannot be had; `key` is what asked: "run.device", "--device".
c10::Device choose_device(trainer::DeviceChoice wanted, const CudaFacts& cuda, std::string_view key);

// The same for a run that has done `steps` steps on `before` ("cpu", "cuda"; empty: it has done none): auto
// then means that device, for another one rounds differently. Sets `note` where a user should know of it.
c10::Device choose_device_to_go_on(trainer::DeviceChoice wanted, const CudaFacts& cuda,
                                   const std::string& before, std::int64_t steps, std::string& note);

// "cpu", or "cuda:0, NVIDIA H100 80GB HBM3 with 79.2 GiB".
std::string describe_device(const c10::Device& device);
// "cpu" or "cuda".
std::string device_kind(const c10::Device& device);

// --device of the commands that run a model.
struct DeviceFlag {
  std::optional<std::string> name;

  void add_to(CommandFlags& flags);
  // Says on stderr where a GPU was chosen, which is not always the one a user thinks of.
  c10::Device resolve(const std::string& command) const;
};
// The line of a usage text that explains it.
extern const char* const kDeviceUsage;

}  // namespace caravan::recipes
