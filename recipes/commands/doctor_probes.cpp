#include "recipes/commands/doctor_probes.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include "recipes/commands/doctor.h"
#include "recipes/versions.h"
#include "trainer/compute_speed.h"

namespace caravan::recipes {

namespace {

void add_speeds(const at::Device& device, const std::string& name, std::vector<SpeedFacts>& speeds) {
  constexpr double kGiga = 1e9;
  constexpr std::chrono::milliseconds kLongest{500};
  for (const auto& [dtype, word] : {std::pair{at::kFloat, "fp32"}, std::pair{at::kBFloat16, "bf16"}}) {
    speeds.push_back(
        {name + " " + word + " matrix product", trainer::measure_gemm(dtype, device, kLongest) / kGiga});
  }
}

std::vector<SpeedFacts> measure_speeds() {
  std::vector<SpeedFacts> speeds;
  add_speeds(at::kCPU, "cpu", speeds);
  if (at::hasCUDA()) add_speeds(at::Device(at::kCUDA, 0), "cuda:0", speeds);
  return speeds;
}

}  // namespace

int run_engine_doctor(std::span<const std::string> args) {
  DoctorProbes probes;
  probes.versions = program_versions();
  probes.libraries = library_versions();
  probes.cuda = at::globalContext().hasCUDART();
  probes.speeds = measure_speeds;
  probes.threads = at::get_num_threads;
  return run_doctor(args, probes);
}

}  // namespace caravan::recipes
