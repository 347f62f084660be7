#include "recipes/commands/doctor.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "data/error.h"

namespace caravan::recipes {
namespace {

constexpr const char* kUsage =
    "caravan doctor [--json] [--fast]\n"
    "\n"
    "Versions, processor, threads, memory, disk, GPUs and the speed of matrix products here, and what is "
    "missing.\n"
    "  --json   the report as JSON\n"
    "  --fast   measure no speeds\n"
    "Exit codes: 0 ready to train, 1 not, 2 usage.\n";

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

void look_at_disk(DoctorReport& report) {
  std::error_code ignored;
  const std::filesystem::path here = std::filesystem::current_path(ignored);
  const std::filesystem::path folder =
      std::filesystem::is_directory(here / "runs", ignored) ? here / "runs" : here;
  report.disk_folder = folder.string();
  report.disk_writable = ::access(folder.c_str(), W_OK) == 0;
  const std::filesystem::space_info space = std::filesystem::space(folder, ignored);
  if (!ignored) report.free_disk_bytes = space.available;
}

void look_at_limits(DoctorReport& report) {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    report.open_files = files.rlim_cur;
    report.open_files_most = files.rlim_max;
  }
  double load = 0;
  if (::getloadavg(&load, 1) == 1) report.load = load;
  const char* setting = std::getenv("OMP_NUM_THREADS");
  if (setting != nullptr) report.thread_setting = setting;
}

}  // namespace

DoctorReport examine(const DoctorProbes& probes, bool fast) {
  DoctorReport report;
  report.host = trainer::read_host_facts();
  report.versions = probes.versions;
  report.libraries = probes.libraries;
  report.cuda = probes.cuda;
  look_at_limits(report);  // before the measurement loads the machine
  look_at_disk(report);
  ask(probes.driver, "GPUs", report.driver, report.findings);
  ask(probes.threads, "threads", report.threads, report.findings);
  if (!fast) ask(probes.speeds, "speeds", report.speeds, report.findings);
  for (Finding& finding : find_problems(report)) report.findings.push_back(std::move(finding));
  return report;
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
                        "doctor: found \"" + arg + "\"; allowed: --json, --fast, --help");
    }
    (arg == "--json" ? json : fast) = true;
  }
  const DoctorReport report = examine(probes, fast);
  const std::string text = json ? to_json(report).dump(2) + "\n" : format_report(report);
  std::fputs(text.c_str(), stdout);
  return is_ready(report) ? 0 : 1;
}

}  // namespace caravan::recipes
