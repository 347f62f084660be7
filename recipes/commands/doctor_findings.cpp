// The part of doctor that thinks: from facts to what is wrong with them.
#include <algorithm>
#include <cstdio>

#include "recipes/commands/doctor_report.h"

namespace caravan::recipes {
namespace {

using enum Finding::Weight;

constexpr std::uint64_t kGibibyte = std::uint64_t{1} << 30;
constexpr std::uint64_t kMinOpenFiles = 1024;

std::string one_decimal(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

std::string gibibytes(std::uint64_t bytes) {
  return one_decimal(static_cast<double>(bytes) / static_cast<double>(kGibibyte)) + " GiB";
}

bool has_feature(const trainer::HostFacts& host, std::string_view feature) {
  return std::find(host.cpu_features.begin(), host.cpu_features.end(), feature) != host.cpu_features.end();
}

void judge_processor(const DoctorReport& report, std::vector<Finding>& findings) {
  const trainer::HostFacts& host = report.host;
  const std::string usable = std::to_string(host.usable_cpus);
  if (!host.cpu_features.empty() && (!has_feature(host, "avx2") || !has_feature(host, "fma"))) {
    findings.push_back({kProblem, "this CPU has no AVX2 and FMA, the program is built for both",
                        "use a CPU of 2013 or later"});
  } else if (!has_feature(host, "avx512_bf16") && !has_feature(host, "amx_bf16")) {
    findings.push_back({kNote, "this CPU has no bf16 instructions: bf16 saves memory here, not time",
                        "train with model.dtype: fp32 where memory allows"});
  }
  if (host.usable_cpus < host.logical_cpus) {
    findings.push_back({kNote,
                        usable + " of " + std::to_string(host.logical_cpus) +
                            " CPUs may be used: affinity or a control group limits them",
                        "ask for more from whoever started this shell"});
  }
  if (report.threads > host.usable_cpus) {
    findings.push_back({kWarning,
                        std::to_string(report.threads) + " threads on " + usable +
                            " usable CPUs: they would wait for one another",
                        "set OMP_NUM_THREADS=" + usable + ", or run.threads in the recipe"});
  }
  if (report.threads > 0 && report.threads * 2 <= std::max(host.physical_cores, 1) &&
      report.threads * 2 <= host.usable_cpus) {
    findings.push_back({kWarning,
                        "only " + std::to_string(report.threads) + " of " + usable + " usable CPUs compute",
                        "unset OMP_NUM_THREADS, or set run.threads in the recipe"});
  }
  if (report.load > host.usable_cpus * 0.5) {
    findings.push_back(
        {kWarning, "the machine is busy: load " + one_decimal(report.load) + " on " + usable + " CPUs",
         "the speeds above and those of a run are lower than it can do; `top` shows who computes"});
  }
}

void judge_room(const DoctorReport& report, std::vector<Finding>& findings) {
  const trainer::HostFacts& host = report.host;
  if (host.usable_memory_bytes != 0 && host.usable_memory_bytes < 2 * kGibibyte) {
    findings.push_back(
        {kWarning, "only " + gibibytes(host.usable_memory_bytes) + " of memory is free",
         "full fine-tuning takes about 16 bytes a parameter and the activations: use a smaller model, "
         "or model.recompute: all"});
  }
  if (!report.disk_writable) {
    findings.push_back({kProblem, report.disk_folder + " cannot be written, runs go there by default",
                        "change its owner, or name another folder in run.dir"});
  }
  if (report.free_disk_bytes != 0 && report.free_disk_bytes < 2 * kGibibyte) {
    findings.push_back(
        {kWarning,
         "only " + gibibytes(report.free_disk_bytes) + " is free on this disk (" + report.disk_folder + ")",
         "checkpoints take 12 bytes a parameter each; set run.dir to a larger disk"});
  }
  if (report.open_files != 0 && report.open_files < kMinOpenFiles) {
    findings.push_back(
        {kWarning,
         "only " + std::to_string(report.open_files) +
             " files may be open at once; data shards, weights and logs each take one",
         report.open_files_most > report.open_files
             ? "ulimit -n " + std::to_string(std::min(report.open_files_most, 4 * kMinOpenFiles))
             : std::string("ask whoever runs this machine to raise the limit")});
  }
}

void judge_devices(const DoctorReport& report, std::vector<Finding>& findings) {
  if (report.driver.gpus.empty()) {
    const std::string why = report.driver.version.empty()
                                ? report.driver.problem
                                : "the NVIDIA driver " + report.driver.version + " shows no device";
    findings.push_back({report.cuda ? kWarning : kNote, "no GPU can be used: " + why,
                        report.cuda
                            ? "install the driver, or give this container its devices; training on the CPU "
                              "needs neither"
                            : "nothing to do for training on the CPU"});
  } else if (!report.cuda) {
    findings.push_back({kNote, "this build computes on the CPU and leaves the GPU alone",
                        "a build for CUDA: scripts/setup cuda && scripts/build cuda"});
  }
}

}  // namespace

std::vector<Finding> find_problems(const DoctorReport& report) {
  std::vector<Finding> findings;
  judge_processor(report, findings);
  judge_room(report, findings);
  judge_devices(report, findings);
  return findings;
}

}  // namespace caravan::recipes
