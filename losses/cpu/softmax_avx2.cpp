#define CARAVAN_KERNEL_ISA avx2
#include "losses/cpu/softmax_body.h"

namespace caravan::losses::cpu {

SoftmaxKernel<float> softmax_avx2_float() {
  return &avx2::softmax_row<float>;
}
SoftmaxKernel<c10::BFloat16> softmax_avx2_bf16() {
  return &avx2::softmax_row<c10::BFloat16>;
}

}  // namespace caravan::losses::cpu
