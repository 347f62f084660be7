#include "recipes/commands/doctor.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "data/error.h"

namespace caravan::recipes {
namespace {

DoctorReport healthy_report() {
  DoctorReport report;
  report.host.cpu_model = "Example CPU";
  report.host.cpu_features = {"avx2", "fma", "avx512_bf16"};
  report.host.logical_cpus = report.host.usable_cpus = 4;
  report.host.memory_bytes = report.host.usable_memory_bytes = 16ull << 30;
  report.free_disk_bytes = 100ull << 30;
  report.threads = 4;
  report.open_files = report.open_files_most = 4096;
  report.cuda = true;
  report.driver = {"580.1", "", {{"Example GPU", 80ull << 30, 79ull << 30}}};
  return report;
}

bool has_finding(const DoctorReport& report, Finding::Weight weight, const std::string& text) {
  const auto findings = find_problems(report);
  return std::any_of(findings.begin(), findings.end(), [&](const Finding& finding) {
    return finding.weight == weight && finding.text.find(text) != std::string::npos &&
           !finding.remedy.empty();
  });
}

TEST(Doctor, AHealthyMachineHasNoFindings) {
  EXPECT_TRUE(find_problems(healthy_report()).empty());
}

TEST(Doctor, NamesWhatIsMissing) {
  using enum Finding::Weight;
  DoctorReport report = healthy_report();
  report.host.cpu_features = {"avx512f"};
  EXPECT_TRUE(has_finding(report, kProblem, "no AVX2"));
  report = healthy_report();
  report.host.cpu_features = {"avx2", "fma"};
  EXPECT_TRUE(has_finding(report, kNote, "no bf16 instructions"));
  report = healthy_report();
  report.threads = 8;
  EXPECT_TRUE(has_finding(report, kWarning, "8 threads on 4 usable CPUs"));
  report = healthy_report();
  report.host.usable_memory_bytes = 1ull << 30;
  EXPECT_TRUE(has_finding(report, kWarning, "only 1.0 GiB of memory"));
  report = healthy_report();
  report.free_disk_bytes = 1ull << 29;
  EXPECT_TRUE(has_finding(report, kWarning, "only 0.5 GiB is free on this disk"));
  report = healthy_report();
  report.disk_writable = false;
  EXPECT_TRUE(has_finding(report, kProblem, "cannot be written"));
  report = healthy_report();
  report.open_files = 256;
  EXPECT_TRUE(has_finding(report, kWarning, "only 256 files may be open"));
  report = healthy_report();
  report.load = 3.5;
  EXPECT_TRUE(has_finding(report, kWarning, "load 3.5 on 4 CPUs"));
  report = healthy_report();
  report.host.physical_cores = 4;
  report.threads = 1;
  EXPECT_TRUE(has_finding(report, kWarning, "only 1 of 4 usable CPUs compute"));
}

TEST(Doctor, SaysWhyThereIsNoGpu) {
  using enum Finding::Weight;
  DoctorReport report = healthy_report();
  report.cuda = false;
  EXPECT_TRUE(has_finding(report, kNote, "this build computes on the CPU"));
  report.driver = {"", "no NVIDIA driver is installed", {}};
  EXPECT_TRUE(has_finding(report, kNote, "no GPU can be used: no NVIDIA driver is installed"));
  report.cuda = true;
  EXPECT_TRUE(has_finding(report, kWarning, "no GPU can be used: no NVIDIA driver is installed"));
  report.driver = {"580.1", "", {}};
  EXPECT_TRUE(has_finding(report, kWarning, "580.1 shows no device"));
  EXPECT_TRUE(is_ready(report));
}

TEST(Doctor, TellsWhyThatManyThreads) {
  DoctorReport report = healthy_report();
  EXPECT_NE(format_report(report).find("threads          4: one for each usable CPU\n"), std::string::npos);
  report.thread_setting = "8";
  EXPECT_NE(format_report(report).find("usable CPU; OMP_NUM_THREADS=8 is not followed"), std::string::npos);
  report.thread_setting = "1";
  report.threads = 1;
  EXPECT_NE(format_report(report).find("threads          1: OMP_NUM_THREADS=1\n"), std::string::npos);
}

TEST(Doctor, ProbesAreAskedAndMayFail) {
  int asked = 0;
  DoctorProbes probes;
  probes.versions = {{"libtorch", "9.9"}};
  probes.speeds = [&] {
    ++asked;
    return std::vector<SpeedFacts>{{"cpu bf16 matrix product", 812.4}};
  };
  probes.driver = []() -> DriverFacts { throw std::runtime_error("driver too old"); };
  const DoctorReport report = examine(probes, false);
  EXPECT_EQ(asked, 1);
  const std::string text = format_report(report);
  EXPECT_NE(text.find("libtorch         9.9\n"), std::string::npos) << text;
  EXPECT_NE(text.find("cpu bf16 matrix product: 812 GFLOP/s\n"), std::string::npos) << text;
  EXPECT_NE(text.find("problem: GPUs cannot be told: driver too old\n"), std::string::npos) << text;
  EXPECT_NE(text.find("not ready to train"), std::string::npos) << text;
  EXPECT_EQ(to_json(report)["findings"][0]["weight"], "problem");
  EXPECT_EQ(to_json(report)["ready"], false);
  EXPECT_EQ(examine(probes, true).speeds.size(), 0u);
  EXPECT_EQ(asked, 1);
}

TEST(Doctor, UnknownOptionIsAUsageError) {
  const std::vector<std::string> args = {"--verbose"};
  try {
    run_doctor(args, DoctorProbes{});
    FAIL() << "no error";
  } catch (const data::Error& error) {
    EXPECT_EQ(error.exit_code(), 2);
  }
}

}  // namespace
}  // namespace caravan::recipes
