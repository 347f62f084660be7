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
  report.devices = {{"cuda:0 Example GPU", 80ull << 30, 79ull << 30}};
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
  report.devices.clear();
  EXPECT_TRUE(has_finding(report, kNote, "no GPU"));
}

TEST(Doctor, ProbesAreAskedAndMayFail) {
  int asked = 0;
  DoctorProbes probes;
  probes.versions = {{"libtorch", "9.9"}};
  probes.speeds = [&] {
    ++asked;
    return std::vector<SpeedFacts>{{"cpu bf16 matrix product", 812.4}};
  };
  probes.devices = []() -> std::vector<DeviceFacts> { throw std::runtime_error("driver too old"); };
  const DoctorReport report = examine(probes, false);
  EXPECT_EQ(asked, 1);
  const std::string text = format_report(report);
  EXPECT_NE(text.find("libtorch         9.9\n"), std::string::npos) << text;
  EXPECT_NE(text.find("cpu bf16 matrix product: 812 GFLOP/s\n"), std::string::npos) << text;
  EXPECT_NE(text.find("problem: devices cannot be told: driver too old\n"), std::string::npos) << text;
  EXPECT_EQ(to_json(report)["findings"][0]["weight"], "problem");
  EXPECT_EQ(examine(probes, true).speeds.size(), 0u);
  EXPECT_EQ(asked, 1);
}

TEST(Doctor, UnknownOptionIsAUsageError) {
  const std::vector<std::string> args = {"--verbose"};
  try {
    run_doctor(args);
    FAIL() << "no error";
  } catch (const data::Error& error) {
    EXPECT_EQ(error.exit_code(), 2);
  }
}

}  // namespace
}  // namespace caravan::recipes
