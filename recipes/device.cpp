#include "recipes/device.h"

#include <ATen/Context.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "models/device.h"
#include "recipes/commands/nvidia_driver.h"
#include "recipes/cpu_build.h"
#include "trainer/error.h"

namespace caravan::recipes {

namespace {

using trainer::DeviceChoice;
using trainer::Error;

constexpr const char* kRounding = "equal within rounding, not bit for bit";

std::string why_no_device() {
  const DriverFacts driver = ask_nvidia_driver();
  if (!driver.problem.empty()) return driver.problem;
  const std::string shown = "the NVIDIA driver " + driver.version + " shows ";
  if (driver.gpus.empty()) return shown + "no device; give this machine or container one";
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  return shown + std::to_string(driver.gpus.size()) + " GPU(s), but CUDA can use none of them: " +
         (visible ? "CUDA_VISIBLE_DEVICES is \"" + std::string(visible) + "\", change or unset it"
                  : "the driver may be too old for the CUDA of this build, or the GPU is in use exclusively");
}

}  // namespace

CudaFacts ask_cuda() {
  if (!at::globalContext().hasCUDART()) return {kCpuBuild};
  return {at::hasCUDA() ? "" : why_no_device()};
}

c10::Device choose_device(DeviceChoice wanted, const CudaFacts& cuda, std::string_view key) {
  const bool usable = cuda.problem.empty();
  if (wanted == DeviceChoice::kCuda && !usable)
    throw Error(Error::Kind::kUsage, std::string(key) + ": cuda cannot be used here: " + cuda.problem +
                                         ". Allowed here: cpu, or auto, which takes what there is");
  if (wanted == DeviceChoice::kCpu || !usable) return c10::Device(c10::kCPU);
  return c10::Device(c10::kCUDA, 0);
}

c10::Device choose_device_to_go_on(DeviceChoice wanted, const CudaFacts& cuda, const std::string& before,
                                   std::int64_t steps, std::string& note) {
  const std::string done = std::to_string(steps) + " steps of this run were computed on " + before;
  if (!before.empty() && wanted == DeviceChoice::kAuto) {
    if (before == "cuda" && !cuda.problem.empty())
      throw Error(Error::Kind::kUsage,
                  "run.device: " + done + ", which cannot be used here: " + cuda.problem +
                      ". Go on where there is a GPU, or with " + "run.device=cpu (" + kRounding + ")");
    wanted = before == "cuda" ? DeviceChoice::kCuda : DeviceChoice::kCpu;
    if (before == "cpu" && cuda.problem.empty())
      note = done + ", so it goes on there; run.device=cuda moves it to the GPU (" + kRounding + ")";
  }
  const c10::Device device = choose_device(wanted, cuda, "run.device");
  if (!before.empty() && device_kind(device) != before)
    note = done + "; it goes on on " + device_kind(device) + " as run.device says: " + kRounding;
  return device;
}

std::string device_kind(const c10::Device& device) {
  return device.is_cuda() ? "cuda" : "cpu";
}

std::string describe_device(const c10::Device& device) {
  if (device.is_cpu()) return "cpu";
  const models::DeviceFacts& facts = models::device_facts(device);
  std::array<char, 32> memory{};
  std::snprintf(memory.data(), memory.size(), "%.1f GiB", static_cast<double>(facts.memory_bytes) / 0x1p30);
  return device.str() + ", " + facts.name + " with " + memory.data();
}

const char* const kDeviceUsage =
    "  --device auto|cpu|cuda    auto: the first CUDA device where there is one, else the CPU (auto)\n";

void DeviceFlag::add_to(CommandFlags& flags) {
  const auto names = choice_names(DeviceChoice{});
  flags.add_choice("--device", name, {names.begin(), names.end()});
}

c10::Device DeviceFlag::resolve(const std::string& command) const {
  const auto names = choice_names(DeviceChoice{});
  const auto found = std::find(names.begin(), names.end(), name.value_or("auto"));
  const auto wanted = static_cast<DeviceChoice>(found - names.begin());
  const c10::Device device = choose_device(wanted, ask_cuda(), "--device");
  if (!device.is_cpu())
    std::cerr << "caravan: " << command << ": on " << describe_device(device) << std::endl;
  return device;
}

}  // namespace caravan::recipes
