// What sampling needs of a row of logits. Compiled once per instruction set; see kernels.h for what each
// promises.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "models/ops/cpu/simd.h"

namespace caravan::models::cpu::CARAVAN_KERNEL_ISA {

// The largest of a row and the block of kSumBlock elements that has it first; NaN where one element is.
template <class T>
float find_peak(const T* x, std::int64_t count, std::int64_t* block) {
  float peak = -std::numeric_limits<float>::infinity();
  *block = 0;
  for (std::int64_t begin = 0; begin < count && peak == peak; begin += kSumBlock) {
    const std::int64_t width = std::min(kSumBlock, count - begin);
    Vec top(-std::numeric_limits<float>::infinity());
    std::int64_t i = 0;
    for (; i + kLanes <= width; i += kLanes) top = at::vec::maximum(top, load(x + begin + i));
    float most = maximum(top);
    for (; i < width; ++i) {
      const float value = static_cast<float>(x[begin + i]);
      if (!(value <= most)) most = value;
    }
    if (most <= peak) continue;
    peak = most;
    *block = begin;
  }
  return peak;
}

// Sums as losses/cpu/softmax_body.h does, exponential for exponential: what is sampled then has the very
// log-probability that training computes.
template <class T>
void row_peak(const T* logits, std::int64_t count, RowPeak* out) {
  std::int64_t index = 0;
  const float peak = find_peak(logits, count, &index);
  while (index < count && !(static_cast<float>(logits[index]) == peak)) ++index;
  Vec norm(0.f);
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) norm = norm + (load(logits + i) - Vec(peak)).exp_u20();
  if (i < count) {
    const Vec e = (load(logits + i, count - i) - Vec(peak)).exp_u20();
    norm = norm + Vec::set(Vec(0.f), e, count - i);
  }
  *out = {peak, index, std::log(sum(norm))};
}

template <class T>
void scale_row(const T* logits, std::int64_t count, float temperature, float* scores) {
  for_lanes(count, [&](std::int64_t i, std::int64_t lanes) {
    store_at(scores, i, lanes, load_at(logits, i, lanes) / Vec(temperature));
  });
}

inline void weigh_row(const float* scores, std::int64_t count, float peak, float* weights,
                      double* block_sums) {
  for (std::int64_t begin = 0; begin < count; begin += kSumBlock) {
    const std::int64_t width = std::min(kSumBlock, count - begin);
    Vec total(0.f);
    for_lanes(width, [&](std::int64_t i, std::int64_t lanes) {
      const Vec e = (load_at(scores + begin, i, lanes) - Vec(peak)).exp();
      store_at(weights + begin, i, lanes, e);
      total = total + (lanes ? Vec::set(Vec(0.f), e, lanes) : e);
    });
    block_sums[begin / kSumBlock] = sum(total);
  }
}

}  // namespace caravan::models::cpu::CARAVAN_KERNEL_ISA
