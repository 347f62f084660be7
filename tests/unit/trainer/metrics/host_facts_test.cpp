#include "trainer/metrics/host_facts.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/temp_dir.h"
#include "trainer/metrics/process_memory.h"

namespace caravan::trainer {
namespace {

using tests::TempDir;
using tests::write_bytes;

void make_host(const TempDir& root) {
  write_bytes(
      root / "proc/cpuinfo",
      "processor\t: 0\nmodel name\t: Example CPU 9000\nflags\t\t: fpu avx2 fma avx512f avx512_bf16_not\n\n"
      "processor\t: 1\nmodel name\t: Example CPU 9000\n\nprocessor\t: 2\n\nprocessor\t: 3\n");
  write_bytes(root / "proc/meminfo",
              "MemTotal:       16000000 kB\nMemFree:  1 kB\nMemAvailable:   12000000 kB\n");
  write_bytes(root / "etc/os-release", "ID=x\nPRETTY_NAME=\"Example Linux 3\"\n");
}

TEST(HostFacts, ReadsTheKernelsFiles) {
  const TempDir root;
  make_host(root);
  const HostFacts facts = read_host_facts(root.path());
  EXPECT_EQ(facts.cpu_model, "Example CPU 9000");
  EXPECT_EQ(facts.system, "Example Linux 3");
  EXPECT_EQ(facts.cpu_features, (std::vector<std::string>{"avx2", "fma", "avx512f"}));
  EXPECT_EQ(facts.logical_cpus, 4);
  EXPECT_EQ(facts.usable_cpus, 4);
  EXPECT_EQ(facts.physical_cores, 0);
  EXPECT_EQ(facts.memory_limit_bytes, 0u);
  EXPECT_EQ(facts.memory_bytes, 16000000ull * 1024);
  EXPECT_EQ(facts.usable_memory_bytes, 12000000ull * 1024);
}

TEST(HostFacts, ControlGroupsLimitWhatIsUsable) {
  const TempDir root;
  make_host(root);
  write_bytes(root / "proc/self/cgroup", "0::/jobs/job7\n");
  write_bytes(root / "sys/fs/cgroup/jobs/job7/cpu.max", "max 100000\n");
  write_bytes(root / "sys/fs/cgroup/jobs/cpu.max", "150000 100000\n");
  write_bytes(root / "sys/fs/cgroup/jobs/job7/memory.max", "8000000000\n");
  write_bytes(root / "sys/fs/cgroup/jobs/job7/memory.current", "3000000000\n");
  const HostFacts facts = read_host_facts(root.path());
  EXPECT_EQ(facts.usable_cpus, 2);
  EXPECT_EQ(facts.usable_memory_bytes, 5000000000u);
  EXPECT_EQ(facts.memory_limit_bytes, 8000000000u);
}

TEST(HostFacts, CountsCoresOnceThoughTheyRunTwoThreads) {
  const TempDir root;
  std::string cpus;
  for (const char* core : {"0", "1", "0", "1"})
    cpus += "processor\t: 0\nphysical id\t: 0\ncore id\t\t: " + std::string(core) + "\n\n";
  write_bytes(root / "proc/cpuinfo", cpus + "processor\t: 4\nphysical id\t: 1\ncore id\t\t: 0\n\n");
  const HostFacts facts = read_host_facts(root.path());
  EXPECT_EQ(facts.logical_cpus, 5);
  EXPECT_EQ(facts.physical_cores, 3);
}

TEST(HostFacts, AnEmptyRootHasOneCpuAndNoNames) {
  const TempDir root;
  const HostFacts facts = read_host_facts(root.path());
  EXPECT_EQ(facts.usable_cpus, 1);
  EXPECT_EQ(facts.cpu_model, "");
  EXPECT_EQ(facts.memory_bytes, 0u);
}

TEST(HostFacts, ThisMachineHasMemoryAndACpu) {
  const HostFacts facts = read_host_facts();
  EXPECT_GE(facts.usable_cpus, 1);
  EXPECT_GT(facts.memory_bytes, 1u << 28);
  EXPECT_LE(facts.usable_memory_bytes, facts.memory_bytes);
}

TEST(ProcessMemory, ParsesTheKernelsText) {
  const ProcessMemory memory =
      parse_process_status("Name:\tx VmRSS: 1 kB\nVmHWM:\t  2048 kB\nVmRSS:\t   1024 kB\n");
  EXPECT_EQ(memory.peak_resident_bytes, 2048u * 1024);
  EXPECT_EQ(parse_process_status("").resident_bytes, 0u);
  EXPECT_EQ(parse_process_status("VmRSS:").resident_bytes, 0u);
}

TEST(ProcessMemory, PeakFollowsWhatIsHeld) {
  const ProcessMemory before = read_process_memory();
  ASSERT_GT(before.resident_bytes, 0u);
  {
    std::string block(64u << 20, '\1');
    ASSERT_EQ(block[12345], '\1');
    EXPECT_GE(read_process_memory().resident_bytes, before.resident_bytes + (60u << 20));
  }
  EXPECT_GE(read_process_memory().peak_resident_bytes, before.resident_bytes + (60u << 20));
}

}  // namespace
}  // namespace caravan::trainer
