#include "trainer/optim/cpu/adamw_kernel.h"

#include <bit>
#include <cmath>

namespace caravan::trainer::cpu {

namespace {

float widen(float x) {
  return x;
}
float widen(c10::BFloat16 x) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(x.x) << 16);
}

void clear(float& x) {
  x = 0.f;
}
void clear(c10::BFloat16& x) {
  x.x = 0;
}

float read_master(const float* value, const std::int16_t*, std::int64_t i) {
  return value[i];
}
float read_master(const c10::BFloat16* value, const std::int16_t* remainder, std::int64_t i) {
  return std::bit_cast<float>((static_cast<std::uint32_t>(value[i].x) << 16) +
                              static_cast<std::uint32_t>(static_cast<std::int32_t>(remainder[i])));
}
void write_master(float* value, std::int16_t*, std::int64_t i, float master) {
  value[i] = master;
}
void write_master(c10::BFloat16* value, std::int16_t* remainder, std::int64_t i, float master) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(master), high = (bits + 0x8000u) >> 16;
  value[i].x = static_cast<std::uint16_t>(high);
  remainder[i] = static_cast<std::int16_t>(bits - (high << 16));
}

}  // namespace

template <class Value, class Gradient>
void adamw_range(Value* __restrict value, std::int16_t* __restrict remainder, float* __restrict m,
                 float* __restrict v, Gradient* __restrict gradient, std::int64_t count,
                 const AdamWConstants& constants) {
  const AdamWConstants c = constants;
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    const float g = widen(gradient[i]) * c.gradient_factor;
    const float first = c.beta1 * m[i] + c.one_minus_beta1 * g;
    const float second = c.beta2 * v[i] + c.one_minus_beta2 * g * g;
    m[i] = first;
    v[i] = second;
    const float update = first * c.correction1 / (std::sqrt(second) * c.correction2 + c.eps);
    const float master = read_master(value, remainder, i);
    // p (1 - rate decay) - rate update, rounded once: at fine-tuning rates 1 - rate decay itself is a bad
    // fp32 number.
    write_master(value, remainder, i, master - (c.rate * update + c.decay * master));
    clear(gradient[i]);
  }
}

template <class T>
double squares_of_range(const T* x, std::int64_t count) {
  // In fp64: reading memory takes as long, and neither overflow nor underflow can pass for a bad gradient.
  double total = 0.0;
#pragma omp simd reduction(+ : total)
  for (std::int64_t i = 0; i < count; ++i) {
    const auto wide = static_cast<double>(widen(x[i]));
    total += wide * wide;
  }
  return total;
}

template void adamw_range(float*, std::int16_t*, float*, float*, float*, std::int64_t, const AdamWConstants&);
template void adamw_range(c10::BFloat16*, std::int16_t*, float*, float*, float*, std::int64_t,
                          const AdamWConstants&);
template void adamw_range(c10::BFloat16*, std::int16_t*, float*, float*, c10::BFloat16*, std::int64_t,
                          const AdamWConstants&);
template double squares_of_range(const float*, std::int64_t);
template double squares_of_range(const c10::BFloat16*, std::int64_t);

}  // namespace caravan::trainer::cpu
