// Tests of kernels that exist once per instruction set.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace caravan::tests {

inline bool has_avx512_bf16() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bf16");
}

// Runs the tests of this program that `filter` names a second time in a child process, with the narrow
// kernels. The child runs no child.
inline void expect_passes_with_avx2(const std::string& filter) {
  if (std::getenv("CARAVAN_CPU_ISA") != nullptr)
    GTEST_SKIP() << "this run is itself bound to an instruction set by CARAVAN_CPU_ISA";
  if (!has_avx512_bf16()) GTEST_SKIP() << "this machine has AVX2 alone, which the other tests have run with";
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  const std::string command = "CARAVAN_CPU_ISA=avx2 '" + program + "' --gtest_brief=1 --gtest_filter='" +
                              filter + "-*WithAvx2' --gtest_output= 1>&2";
  const int status = std::system(command.c_str());
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << command;
}

}  // namespace caravan::tests

#define SKIP_WITHOUT_AVX512_BF16()        \
  if (!caravan::tests::has_avx512_bf16()) \
  GTEST_SKIP() << "this machine has no AVX-512 with BF16 to compare AVX2 with"
