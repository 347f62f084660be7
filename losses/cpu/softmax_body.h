// Included by softmax_avx2.cpp and softmax_avx512.cpp, which differ in compiler flags and in
// CARAVAN_KERNEL_ISA alone.
#pragma once

#include <ATen/cpu/vec/functional.h>
#include <ATen/cpu/vec/vec.h>

#include <cmath>
#include <limits>

#include "losses/cpu/softmax_kernel.h"

namespace caravan::losses::cpu::CARAVAN_KERNEL_ISA {

using Vec = at::vec::Vectorized<float>;
constexpr std::int64_t kLanes = Vec::size();
constexpr float kLowest = -std::numeric_limits<float>::infinity();
constexpr float kFarBelow = -1e30f;

inline Vec load(const float* p) {
  return Vec::loadu(p);
}
inline Vec load(const c10::BFloat16* p) {
  Vec out;
  at::vec::load_fp32_from_bf16(p, out);
  return out;
}
inline void store(float* p, Vec x) {
  x.store(p);
}
inline void store(c10::BFloat16* p, Vec x) {
  at::vec::convert_float_bfloat16(x, x).store(p, static_cast<int>(kLanes));
}
inline float sum(Vec x) {
  return at::vec::vec_reduce_all<float>([](Vec a, Vec b) { return a + b; }, x);
}

// Calls body(Vec, count) -> Vec over the row; `count` lanes of the partial vector at the end are the row's,
// the rest is to be ignored.
template <bool kStore, class T, class Body>
inline void for_row(T* x, std::int64_t width, Body body) {
  std::int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) {
    const Vec y = body(load(x + i), kLanes);
    if constexpr (kStore) store(x + i, y);
  }
  if (i == width) return;
  float tail[kLanes] = {};
  for (std::int64_t j = 0; i + j < width; ++j) tail[j] = static_cast<float>(x[i + j]);
  const Vec y = body(Vec::loadu(tail), width - i);
  if constexpr (kStore) {
    y.store(tail);
    for (std::int64_t j = 0; i + j < width; ++j) x[i + j] = static_cast<T>(tail[j]);
  }
}

// x in its first `count` lanes, `rest` in the others.
inline Vec first_lanes(Vec x, std::int64_t count, float rest) {
  return count == kLanes ? x : Vec::set(Vec(rest), x, count);
}

template <class T>
RowResult softmax_row(T* x, std::int64_t width, std::int64_t target, float scale, const RowOptions& o) {
  const bool shaped = o.softcap > 0.f || o.inverse_temperature != 1.f;
  const auto shape = [&](Vec v) {
    if (!shaped) return v;
    if (o.softcap > 0.f) v = (v / Vec(o.softcap)).tanh() * Vec(o.softcap);
    return v * Vec(o.inverse_temperature);
  };
  Vec top(kLowest);
  for_row<false>(x, width, [&](Vec v, std::int64_t count) {
    top = at::vec::maximum(top, first_lanes(shape(v), count, kLowest));
    return v;
  });
  const float peak = at::vec::vec_reduce_all<float>([](Vec a, Vec b) { return at::vec::maximum(a, b); }, top);
  float lanes[kLanes];
  shape(Vec(static_cast<float>(x[target]))).store(lanes);
  const float target_logit = lanes[0];

  // What is stored between the passes is exp(x - peak): one exponential an element. With shaped logits the
  // gradient needs x itself, and the exponential is taken twice.
  Vec norm(0.f), total(0.f), moment(0.f);
  const bool keep = o.gradient && !shaped;
  const auto accumulate = [&](Vec v, std::int64_t count) {
    const Vec e = first_lanes((shape(v) - Vec(peak)).exp_u20(), count, 0.f);
    norm = norm + e;
    return e;
  };
  const auto accumulate_entropy = [&](Vec v, std::int64_t count) {
    const Vec e = accumulate(v, count);
    // Not the lanes behind the row; a logit of -inf adds nothing, and not 0 * inf.
    moment = moment + e * at::vec::maximum(shape(v) - Vec(peak), Vec(kFarBelow));
    return e;
  };
  const auto walk = [&](auto body) {
    if (keep)
      for_row<true>(x, width, body);
    else
      for_row<false>(x, width, body);
  };
  if (o.label_smoothing > 0.f) {
    for_row<false>(x, width, [&](Vec v, std::int64_t count) {
      total = total + first_lanes(shape(v), count, 0.f);
      return v;
    });
  }
  if (o.entropy)
    walk(accumulate_entropy);
  else
    walk(accumulate);
  const float denominator = sum(norm), log_denominator = std::log(denominator),
              log_sum = peak + log_denominator;

  // Not target - log_sum: a log-probability near 0 must not lose its digits to the size of the logits.
  const float smoothing = o.label_smoothing, log_prob = (target_logit - peak) - log_denominator;
  const float mean_logit = smoothing > 0.f ? sum(total) / static_cast<float>(width) : 0.f;
  const float z = o.z_loss * log_sum * log_sum;
  RowResult result{-(1.f - smoothing) * log_prob + smoothing * (log_sum - mean_logit) + z, z, log_prob};
  if (smoothing == 0.f) result.loss = -log_prob + z;
  if (o.entropy) result.entropy = log_denominator - sum(moment) / denominator;
  if (!o.gradient) return result;

  const float factor = scale * (1.f + 2.f * o.z_loss * log_sum),
              uniform = scale * smoothing / static_cast<float>(width);
  // p - 1 at the target, taken from the log: of a bf16 p near 1 nothing would be left.
  const float at_target = scale * (std::expm1(log_prob) + 2.f * o.z_loss * log_sum * std::exp(log_prob) +
                                   smoothing * (1.f - 1.f / static_cast<float>(width)));
  if (!shaped) {
    const Vec share(factor / denominator), less(uniform);
    for_row<true>(x, width, [&](Vec e, std::int64_t) { return e * share - less; });
    x[target] = static_cast<T>(at_target);
    return result;
  }
  const auto slope = [&](Vec v) {
    if (o.softcap <= 0.f) return Vec(o.inverse_temperature);
    const Vec t = (v / Vec(o.softcap)).tanh();
    return (Vec(1.f) - t * t) * Vec(o.inverse_temperature);
  };
  slope(Vec(static_cast<float>(x[target]))).store(lanes);
  for_row<true>(x, width, [&](Vec v, std::int64_t) {
    return ((shape(v) - Vec(log_sum)).exp() * Vec(factor) - Vec(uniform)) * slope(v);
  });
  x[target] = static_cast<T>(at_target * lanes[0]);
  return result;
}

}  // namespace caravan::losses::cpu::CARAVAN_KERNEL_ISA
