#include "recipes/commands/doctor_report.h"

#include <algorithm>
#include <cstdio>

namespace caravan::recipes {
namespace {

std::string gibibytes(std::uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f GiB", static_cast<double>(bytes) / (1024.0 * 1024.0 * 1024.0));
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

std::string counted(int count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

// How many threads, and why not another number.
std::string thread_text(const DoctorReport& report) {
  if (report.threads <= 0) return "not known";
  const std::string number = std::to_string(report.threads);
  if (report.thread_setting == number) return number + ": OMP_NUM_THREADS=" + number;
  std::string why = "what LibTorch chose";
  if (report.threads == report.host.usable_cpus)
    why = "one for each usable CPU";
  else if (report.threads == report.host.physical_cores)
    why = "one for each core";
  if (!report.thread_setting.empty())
    why += "; OMP_NUM_THREADS=" + report.thread_setting + " is not followed";
  return number + ": " + why;
}

void add_machine(std::string& out, const DoctorReport& report) {
  const trainer::HostFacts& host = report.host;
  add_line(out, "system", host.system + ", kernel " + host.kernel);
  const std::string cores = host.physical_cores > 0 ? counted(host.physical_cores, "core") + ", " : "";
  add_line(out, "cpu",
           host.cpu_model + ", " + cores + counted(host.logical_cpus, "CPU") + ", " +
               std::to_string(host.usable_cpus) + " usable");
  std::string features;
  for (const std::string& feature : host.cpu_features) features += (features.empty() ? "" : " ") + feature;
  add_line(out, "instructions", features);
  add_line(out, "threads", thread_text(report));
  add_line(out, "memory",
           gibibytes(host.memory_bytes) + ", " + gibibytes(host.usable_memory_bytes) + " free, " +
               (host.memory_limit_bytes > 0 ? "control group allows " + gibibytes(host.memory_limit_bytes)
                                            : "no limit of a control group"));
  add_line(out, "disk",
           report.disk_folder + ": " + gibibytes(report.free_disk_bytes) + " free" +
               (report.disk_writable ? "" : ", not writable"));
  add_line(
      out, "open files",
      std::to_string(report.open_files) + ", may be raised to " + std::to_string(report.open_files_most));
}

void add_devices(std::string& out, const DoctorReport& report) {
  if (report.driver.gpus.empty()) {
    add_line(
        out, "gpu",
        "none: " + (report.driver.version.empty() ? report.driver.problem
                                                  : "driver " + report.driver.version + " shows no device"));
  }
  for (std::size_t i = 0; i < report.driver.gpus.size(); ++i) {
    const GpuFacts& gpu = report.driver.gpus[i];
    add_line(out, "gpu " + std::to_string(i),
             gpu.name + ", " + gibibytes(gpu.memory_bytes) + ", " + gibibytes(gpu.free_memory_bytes) +
                 " free, driver " + report.driver.version + (report.cuda ? "" : "; not used by this build"));
  }
  for (const SpeedFacts& speed : report.speeds) {
    char text[64];
    std::snprintf(text, sizeof text, ": %.0f GFLOP/s", speed.gigaflops_per_second);
    add_line(out, "speed", speed.what + text);
  }
  if (report.speeds.empty()) add_line(out, "speed", "not measured");
}

}  // namespace

bool is_ready(const DoctorReport& report) {
  return std::none_of(report.findings.begin(), report.findings.end(),
                      [](const Finding& finding) { return finding.weight == Finding::Weight::kProblem; });
}

std::string format_report(const DoctorReport& report) {
  std::string out;
  for (const auto& [name, version] : report.versions) add_line(out, name, version);
  std::string libraries;
  for (const auto& [name, version] : report.libraries)
    libraries += (libraries.empty() ? "" : ", ") + name + " " + version;
  if (!libraries.empty()) add_line(out, "libraries", libraries);
  add_machine(out, report);
  add_devices(out, report);
  for (const Finding& finding : report.findings) {
    out += "\n" + std::string(word_of(finding.weight)) + ": " + finding.text + "\n  " + finding.remedy + "\n";
  }
  out += is_ready(report) ? "\nready to train\n" : "\nnot ready to train: see the problems above\n";
  return out;
}

nlohmann::ordered_json to_json(const DoctorReport& report) {
  nlohmann::ordered_json json = {{"ready", is_ready(report)},
                                 {"versions", nlohmann::ordered_json::object()},
                                 {"host", trainer::to_json(report.host)},
                                 {"threads", report.threads},
                                 {"load", report.load},
                                 {"disk_folder", report.disk_folder},
                                 {"free_disk_bytes", report.free_disk_bytes},
                                 {"disk_writable", report.disk_writable},
                                 {"open_files", report.open_files},
                                 {"open_files_most", report.open_files_most},
                                 {"cuda_build", report.cuda},
                                 {"driver", report.driver.version},
                                 {"gpus", nlohmann::ordered_json::array()},
                                 {"speeds", nlohmann::ordered_json::array()},
                                 {"findings", nlohmann::ordered_json::array()}};
  for (const auto& [name, version] : report.versions) json["versions"][name] = version;
  for (const auto& [name, version] : report.libraries) json["versions"][name] = version;
  for (const GpuFacts& gpu : report.driver.gpus) {
    json["gpus"].push_back({{"name", gpu.name},
                            {"memory_bytes", gpu.memory_bytes},
                            {"free_memory_bytes", gpu.free_memory_bytes}});
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

}  // namespace caravan::recipes
