#define CARAVAN_KERNEL_ISA avx512
#include "losses/cpu/softmax_body.h"

namespace caravan::losses::cpu {

SoftmaxKernel<float> softmax_avx512_float() {
  return &avx512::softmax_row<float>;
}
SoftmaxKernel<c10::BFloat16> softmax_avx512_bf16() {
  return &avx512::softmax_row<c10::BFloat16>;
}

}  // namespace caravan::losses::cpu
