#include "recipes/commands/doctor.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "data/error.h"

namespace caravan::recipes {
namespace {

constexpr const char* kUsage =
    "caravan doctor [--json] [--fast]\n"
    "\n"
    "Versions, devices, threads, memory and the speed of matrix products here, and what is missing.\n"
    "  --json   the report as JSON\n"
    "  --fast   measure no speeds\n"
    "Exit codes: 0 ready to train, 1 not.\n";

constexpr std::uint64_t kGibibyte = std::uint64_t{1} << 30;

bool has_feature(const trainer::HostFacts& host, std::string_view feature) {
  return std::find(host.cpu_features.begin(), host.cpu_features.end(), feature) != host.cpu_features.end();
}

std::string gibibytes(std::uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f GiB", static_cast<double>(bytes) / static_cast<double>(kGibibyte));
  return text;
}

void add_line(std::string& out, const std::string& name, const std::string& value) {
  char label[40];
  std::snprintf(label, sizeof label, "%-16s ", name.c_str());
  out += label + value + "\n";
}

std::string_view word_of(Finding::Weight weight) {
  switch (weight) {
    case Finding::Weight::kNote:
      return "note";
    case Finding::Weight::kWarning:
      return "warning";
    case Finding::Weight::kProblem:
      break;
  }
  return "problem";
}

// A probe that fails is a finding like any other: the rest of the report is still worth reading.
template <typename Fact>
void ask(const std::function<Fact()>& probe, const char* what, Fact& fact, std::vector<Finding>& findings) {
  if (!probe) return;
  try {
    fact = probe();
  } catch (const std::exception& error) {
    findings.push_back({Finding::Weight::kProblem, std::string(what) + " cannot be told: " + error.what(),
                        "check that LibTorch and the driver belong together: scripts/setup"});
  }
}

}  // namespace

std::vector<Finding> find_problems(const DoctorReport& report) {
  using enum Finding::Weight;
  std::vector<Finding> findings;
  const trainer::HostFacts& host = report.host;
  if (!host.cpu_features.empty() && (!has_feature(host, "avx2") || !has_feature(host, "fma"))) {
    findings.push_back({kProblem, "this CPU has no AVX2 and FMA, the program is built for both",
                        "use a CPU of 2013 or later"});
  } else if (!has_feature(host, "avx512_bf16") && !has_feature(host, "amx_bf16")) {
    findings.push_back({kNote, "this CPU has no bf16 instructions: bf16 saves memory here, not time",
                        "train with model.dtype: fp32 where memory allows"});
  }
  if (host.usable_cpus < host.logical_cpus) {
    findings.push_back({kNote,
                        std::to_string(host.usable_cpus) + " of " + std::to_string(host.logical_cpus) +
                            " CPUs may be used: affinity or a control group limits them",
                        "ask for more from whoever started this shell"});
  }
  if (report.threads > host.usable_cpus) {
    findings.push_back({kWarning,
                        std::to_string(report.threads) + " threads on " + std::to_string(host.usable_cpus) +
                            " usable CPUs: they would wait for one another",
                        "set OMP_NUM_THREADS=" + std::to_string(host.usable_cpus)});
  }
  if (host.usable_memory_bytes != 0 && host.usable_memory_bytes < 2 * kGibibyte) {
    findings.push_back({kWarning, "only " + gibibytes(host.usable_memory_bytes) + " of memory is free",
                        "`caravan plan RECIPE` tells what a run takes"});
  }
  if (report.free_disk_bytes != 0 && report.free_disk_bytes < 2 * kGibibyte) {
    findings.push_back({kWarning, "only " + gibibytes(report.free_disk_bytes) + " is free on this disk",
                        "checkpoints need 14 bytes a parameter each; set run.dir to a larger disk"});
  }
  if (report.devices.empty()) {
    findings.push_back(
        {kNote, "no GPU is visible to this program", "a CUDA build and a driver are needed to use one"});
  }
  return findings;
}

DoctorReport examine(const DoctorProbes& probes, bool fast) {
  DoctorReport report;
  report.host = trainer::read_host_facts();
  report.versions = probes.versions;
  report.versions.emplace_back("compiler", "g++ " __VERSION__);
  std::vector<Finding> failed;
  ask(probes.devices, "devices", report.devices, failed);
  ask(probes.threads, "threads", report.threads, failed);
  if (!fast) ask(probes.speeds, "speeds", report.speeds, failed);
  std::error_code ignored;
  const std::filesystem::space_info space = std::filesystem::space(".", ignored);
  if (!ignored) report.free_disk_bytes = space.available;
  report.findings = find_problems(report);
  report.findings.insert(report.findings.begin(), failed.begin(), failed.end());
  return report;
}

std::string format_report(const DoctorReport& report) {
  std::string out;
  for (const auto& [name, version] : report.versions) add_line(out, name, version);
  const trainer::HostFacts& host = report.host;
  add_line(out, "system", host.system + ", kernel " + host.kernel);
  std::string features;
  for (const std::string& feature : host.cpu_features) features += " " + feature;
  add_line(out, "cpu", host.cpu_model + " (" + std::to_string(host.usable_cpus) + " usable)" + features);
  add_line(out, "threads", report.threads > 0 ? std::to_string(report.threads) : "not known");
  add_line(out, "memory",
           gibibytes(host.memory_bytes) + ", " + gibibytes(host.usable_memory_bytes) + " free");
  add_line(out, "disk here", gibibytes(report.free_disk_bytes) + " free");
  for (const DeviceFacts& device : report.devices) {
    add_line(out, "device",
             device.name + ", " + gibibytes(device.memory_bytes) + ", " +
                 gibibytes(device.free_memory_bytes) + " free");
  }
  for (const SpeedFacts& speed : report.speeds) {
    char text[64];
    std::snprintf(text, sizeof text, "%.0f GFLOP/s", speed.gigaflops_per_second);
    add_line(out, "speed", speed.what + ": " + text);
  }
  if (report.speeds.empty()) add_line(out, "speed", "not measured");
  for (const Finding& finding : report.findings) {
    out += "\n" + std::string(word_of(finding.weight)) + ": " + finding.text + "\n  " + finding.remedy + "\n";
  }
  return out;
}

nlohmann::ordered_json to_json(const DoctorReport& report) {
  nlohmann::ordered_json json = {{"versions", nlohmann::ordered_json::object()},
                                 {"host", trainer::to_json(report.host)},
                                 {"threads", report.threads},
                                 {"free_disk_bytes", report.free_disk_bytes},
                                 {"devices", nlohmann::ordered_json::array()},
                                 {"speeds", nlohmann::ordered_json::array()},
                                 {"findings", nlohmann::ordered_json::array()}};
  for (const auto& [name, version] : report.versions) json["versions"][name] = version;
  for (const DeviceFacts& device : report.devices) {
    json["devices"].push_back({{"name", device.name},
                               {"memory_bytes", device.memory_bytes},
                               {"free_memory_bytes", device.free_memory_bytes}});
  }
  for (const SpeedFacts& speed : report.speeds) {
    json["speeds"].push_back({{"what", speed.what}, {"gigaflops_per_second", speed.gigaflops_per_second}});
  }
  for (const Finding& finding : report.findings) {
    json["findings"].push_back(
        {{"weight", word_of(finding.weight)}, {"text", finding.text}, {"remedy", finding.remedy}});
  }
  return json;
}

int run_doctor(std::span<const std::string> args, const DoctorProbes& probes) {
  bool json = false;
  bool fast = false;
  for (const std::string& arg : args) {
    if (arg == "--help" || arg == "-h") {
      std::fputs(kUsage, stdout);
      return 0;
    }
    if (arg != "--json" && arg != "--fast") {
      throw data::Error(data::Error::Kind::kUsage,
                        "doctor: found \"" + arg + "\", which is no option\n" + kUsage);
    }
    (arg == "--json" ? json : fast) = true;
  }
  const DoctorReport report = examine(probes, fast);
  const std::string text = json ? to_json(report).dump(2) + "\n" : format_report(report);
  std::fputs(text.c_str(), stdout);
  return std::any_of(report.findings.begin(), report.findings.end(),
                     [](const Finding& finding) { return finding.weight == Finding::Weight::kProblem; })
             ? 1
             : 0;
}

int run_doctor(std::span<const std::string> args) {
  return run_doctor(args, DoctorProbes{});
}

}  // namespace caravan::recipes
