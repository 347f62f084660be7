// The inner loop of AdamW on the CPU: plain loops that the compiler vectorises; memory is the limit, not
// arithmetic.
#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>

namespace caravan::trainer::cpu {

// Worked out in fp64 by the caller: 1 - beta and 1 - rate * decay formed in fp32 would keep only a few
// digits.
struct AdamWConstants {
  float rate, decay;  // decay = rate * weight_decay, or 0
  float beta1, one_minus_beta1, beta2, one_minus_beta2, eps;
  float correction1, correction2;  // 1 / (1 - beta1^t), 1 / sqrt(1 - beta2^t)
  float gradient_factor;
};

// Elements [0, count). `remainder` only for bf16 values. Gradients are left at zero.
template <class Value, class Gradient>
void adamw_range(Value* value, std::int16_t* remainder, float* m, float* v, Gradient* gradient,
                 std::int64_t count, const AdamWConstants& c);

// Sum of squares of a range in fp64.
template <class T>
double squares_of_range(const T* x, std::int64_t count);

}  // namespace caravan::trainer::cpu
