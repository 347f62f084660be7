// Attention of one query token over cached keys, see models/generation/kv_cache.h for the pages. Compiled
// once per instruction set.
//
// Keys lie transposed in their pages, so a vector holds one element (a pair of them in bf16) of sixteen
// tokens: scores need no sums across lanes, and one load serves all query heads of the group.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "models/ops/cpu/attention_body.h"

namespace caravan::models::cpu::CARAVAN_KERNEL_ISA {

constexpr std::int64_t kGroupTile = 4;  // query heads at a time

// Sixteen values as fp32.
inline V16 load16(const float* p) {
  return *reinterpret_cast<const V16*>(p);
}
inline V16 load16(const c10::BFloat16* p) {
  typedef std::uint16_t S16 __attribute__((vector_size(32), aligned(2), may_alias));
  return (V16)(__builtin_convertvector(*reinterpret_cast<const S16*>(p), U16) << 16);
}

// scores[g][token] of one page for G heads.
template <class T, int G>
void page_scores(const DecodeShape& s, const T* q, const T* k, float* scores, std::int64_t stride) {
  for (std::int64_t token = 0; token < s.page_tokens; token += 16) {
    V16 acc[G];
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) acc[g] = splat(0.f);
    const auto* column = units(k) + token;
    for (std::int64_t e = 0; e < s.width / Operand<T>::kPack; ++e, column += s.page_tokens)
#pragma GCC unroll 4
      for (int g = 0; g < G; ++g)
        acc[g] = Operand<T>::multiply_add(acc[g], units(q + g * s.width)[e], column);
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g)
      *reinterpret_cast<V16*>(scores + g * stride + token) = acc[g] * splat(s.scale);
  }
}

// acc[g][e] += weights[g][token] v[token][e] over tokens [first, last) of one page.
template <class T, int G>
void page_values(const DecodeShape& s, const T* v, const float* weights, std::int64_t stride,
                 std::int64_t first, std::int64_t last, float* acc) {
  std::int64_t e = 0;
  for (; e + 16 <= s.width; e += 16) {
    V16 sums[G];
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) sums[g] = load16(acc + g * s.width + e);
    for (std::int64_t token = first; token < last; ++token) {
      const V16 value = load16(v + token * s.width + e);
#pragma GCC unroll 4
      for (int g = 0; g < G; ++g) sums[g] += splat(weights[g * stride + token]) * value;
    }
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) *reinterpret_cast<V16*>(acc + g * s.width + e) = sums[g];
  }
  for (; e < s.width; ++e)
    for (int g = 0; g < G; ++g)
      for (std::int64_t token = first; token < last; ++token)
        acc[g * s.width + e] += weights[g * stride + token] * static_cast<float>(v[token * s.width + e]);
}

// Scores to exp(score - peak), zero where the token is not seen; returns their sum. [first, last) is seen.
template <class T>
float weigh(float* scores, std::int64_t first, std::int64_t last) {
  Vec top(-std::numeric_limits<float>::infinity());
  std::int64_t i = first;
  for (; i + kLanes <= last; i += kLanes) top = at::vec::maximum(top, load(scores + i));
  float peak = maximum(top);
  for (; i < last; ++i) peak = std::max(peak, scores[i]);
  Vec total(0.f);
  for (i = first; i + kLanes <= last; i += kLanes) {
    const Vec e = exponential<T>(load(scores + i) - Vec(peak));
    total = total + e;
    store(scores + i, e);
  }
  float norm = sum(total);
  for (; i < last; ++i) norm += scores[i] = std::exp(scores[i] - peak);
  return norm;
}

template <class T, int G>
void decode_heads(const DecodeShape& s, const T* q, const T* const* pages, T* out) {
  const std::int64_t first = s.window > 0 ? std::max<std::int64_t>(0, s.length - s.window) : 0;
  const std::int64_t first_page = first / s.page_tokens, last_page = (s.length - 1) / s.page_tokens + 1;
  const std::int64_t stride = (last_page - first_page) * s.page_tokens, shift = first_page * s.page_tokens;
  Packed<T>& buffers = packed<T>();
  float* scores = buffers.dk.get(G * stride);
  float* acc = buffers.dv.get(G * s.width);
  for (std::int64_t page = first_page; page < last_page; ++page)
    page_scores<T, G>(s, q, pages[page] + s.k_offset, scores + page * s.page_tokens - shift, stride);
  float norm[G];
  for (int g = 0; g < G; ++g) norm[g] = weigh<T>(scores + g * stride, first - shift, s.length - shift);
  std::fill_n(acc, G * s.width, 0.f);
  for (std::int64_t page = first_page; page < last_page; ++page) {
    const std::int64_t start = page * s.page_tokens;
    page_values<T, G>(s, pages[page] + s.v_offset, scores + start - shift, stride,
                      std::max<std::int64_t>(0, first - start), std::min(s.page_tokens, s.length - start),
                      acc);
  }
  for (int g = 0; g < G; ++g)
    for_lanes(s.width, [&](std::int64_t e, std::int64_t count) {
      store_at(out + g * s.width, e, count, load_at(acc + g * s.width, e, count) * Vec(1.f / norm[g]));
    });
}

template <class T>
void attention_decode(const DecodeShape& s, const T* q, const T* const* pages, T* out) {
  for (std::int64_t head = 0; head < s.group;
       head += kGroupTile, q += kGroupTile * s.width, out += kGroupTile * s.width) {
    switch (std::min(kGroupTile, s.group - head)) {
      case 4:
        decode_heads<T, 4>(s, q, pages, out);
        break;
      case 3:
        decode_heads<T, 3>(s, q, pages, out);
        break;
      case 2:
        decode_heads<T, 2>(s, q, pages, out);
        break;
      default:
        decode_heads<T, 1>(s, q, pages, out);
        break;
    }
  }
}

// Maximum, its first index, and log sum exp of a row of logits.
template <class T>
void row_peak(const T* logits, std::int64_t count, RowPeak* out) {
  Vec top(-std::numeric_limits<float>::infinity());
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) top = at::vec::maximum(top, load(logits + i));
  float peak = maximum(top);
  for (; i < count; ++i) peak = std::max(peak, static_cast<float>(logits[i]));
  std::int64_t index = 0;
  while (index < count && !(static_cast<float>(logits[index]) == peak)) ++index;
  Vec total(0.f);
  double sum_of_blocks = 0.0;
  constexpr std::int64_t kBlock = 64 * kLanes;  // partial sums in fp64, so that long rows lose nothing
  for (i = 0; i + kLanes <= count; i += kLanes) {
    total = total + (load(logits + i) - Vec(peak)).exp();
    if ((i + kLanes) % kBlock == 0) {
      sum_of_blocks += sum(total);
      total = Vec(0.f);
    }
  }
  sum_of_blocks += sum(total);
  for (; i < count; ++i) sum_of_blocks += std::exp(static_cast<float>(logits[i]) - peak);
  *out = {peak, index, peak + static_cast<float>(std::log(sum_of_blocks))};
}

}  // namespace caravan::models::cpu::CARAVAN_KERNEL_ISA
