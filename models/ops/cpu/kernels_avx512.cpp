#define CARAVAN_KERNEL_ISA avx512
#include "models/ops/cpu/kernel_table.inc"

namespace caravan::models::cpu {

KernelTable<float> avx512_float_kernels() {
  return avx512::make_table<float>("avx512");
}
KernelTable<c10::BFloat16> avx512_bf16_kernels() {
  return avx512::make_table<c10::BFloat16>("avx512");
}

}  // namespace caravan::models::cpu
