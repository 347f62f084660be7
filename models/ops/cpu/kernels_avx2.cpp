#define CARAVAN_KERNEL_ISA avx2
#include "models/ops/cpu/kernel_table.inc"

namespace caravan::models::cpu {

KernelTable<float> avx2_float_kernels() {
  return avx2::make_table<float>("avx2");
}
KernelTable<c10::BFloat16> avx2_bf16_kernels() {
  return avx2::make_table<c10::BFloat16>("avx2");
}

}  // namespace caravan::models::cpu
