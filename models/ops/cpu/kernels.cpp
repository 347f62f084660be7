#include "models/ops/cpu/kernels.h"

#include <cstdlib>
#include <string_view>

namespace caravan::models::cpu {

KernelTable<float> avx2_float_kernels();
KernelTable<c10::BFloat16> avx2_bf16_kernels();
KernelTable<float> avx512_float_kernels();
KernelTable<c10::BFloat16> avx512_bf16_kernels();

namespace {

// CARAVAN_CPU_ISA=avx2 forces the narrower kernels: for tests, and to repeat a result of another machine.
bool use_avx512() {
  const char* wanted = std::getenv("CARAVAN_CPU_ISA");
  if (wanted && std::string_view(wanted) == "avx2") return false;
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bf16");
}

}  // namespace

template <>
const KernelTable<float>& kernels<float>() {
  static const KernelTable<float> table = use_avx512() ? avx512_float_kernels() : avx2_float_kernels();
  return table;
}

template <>
const KernelTable<c10::BFloat16>& kernels<c10::BFloat16>() {
  static const KernelTable<c10::BFloat16> table = use_avx512() ? avx512_bf16_kernels() : avx2_bf16_kernels();
  return table;
}

const char* kernel_isa() {
  return kernels<float>().name;
}

}  // namespace caravan::models::cpu
