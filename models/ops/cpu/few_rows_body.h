// Matrix product of a few rows with weights as they lie, [N, K]: what decoding does. Compiled once per
// instruction set.
//
// A vector holds one output of several rows, and weights are broadcast as they stream by, so nothing is
// turned but the few rows. Each output is still one sum over the depth from its first element to its last:
// the bits of matmul_rows for any number of rows.
#pragma once

#include <algorithm>

#include "models/ops/cpu/product_tile.h"

namespace caravan::models::cpu::CARAVAN_KERNEL_ISA {

// Of SmolLM2-135M in bf16, 16 and 32 rows gain by it, 48 and 64 do not.
constexpr std::int64_t kFewRows = 32;

// Outputs that are summed at once: as many as hide the time of an addition and leave registers for the rest.
template <int kVectors>
constexpr int kSumsAtOnce = kTileVectors == 1 ? (kVectors == 1 ? 12 : 6) : (kVectors == 1 ? 16 : 12);

template <class V>
constexpr std::int64_t kLanesOf = static_cast<std::int64_t>(sizeof(V) / sizeof(float));

// sums[o][v] = one sum over the depth for the weights `stride` bytes times o from w on and the rows in the
// lanes of x[k][v]. Fetches the weights behind those it reads.
template <class T, class V, int kVectors, int kOutputs>
inline void broadcast_sums(const char* w, std::int64_t stride, const typename Operand<T>::Unit* x,
                           std::int64_t depth, V (*sums)[kVectors]) {
  constexpr int kLineWords = 16, kAddresses = (kOutputs + 2) / 3;
  using Unit = typename Operand<T>::Unit;
  V acc[kOutputs][kVectors] = {};
  // Three outputs share an address, so that all of them stay in registers.
  const char* from[kAddresses];
  for (int i = 0; i < kAddresses; ++i) from[i] = w + 3 * i * stride;
  const auto add_word = [&](int k) {
#pragma GCC unroll 16
    for (int o = 0; o < kOutputs; ++o) {
      const Unit weight = word(reinterpret_cast<const Unit*>(from[o / 3] + (o % 3) * stride) + k);
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v)
        acc[o][v] = Operand<T>::multiply_add(acc[o][v], weight, x + (k * kVectors + v) * kLanesOf<V>);
    }
  };
  const auto advance = [&](int words) {
#pragma GCC unroll 16
    for (int i = 0; i < kAddresses; ++i) from[i] += words * static_cast<std::int64_t>(sizeof(Unit));
    x += words * kVectors * kLanesOf<V>;
  };
  std::int64_t k = 0;
  const char* ahead = w + kOutputs * stride;
  for (; k + kLineWords <= depth; k += kLineWords, ahead += kLineWords * sizeof(Unit)) {
    const char* line = ahead;
#pragma GCC unroll 16
    for (int o = 0; o < kOutputs; ++o, line += stride) __builtin_prefetch(line, 0, 2);
    for (int i = 0; i < kLineWords; i += 4) {
#pragma GCC unroll 4
      for (int u = 0; u < 4; ++u) add_word(u);
      advance(4);
    }
  }
  for (; k < depth; ++k) {
    add_word(0);
    advance(1);
  }
#pragma GCC unroll 16
  for (int o = 0; o < kOutputs; ++o)
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) sums[o][v] = acc[o][v];
}

// Outputs [first, last) of `rows` rows from `row` on, which x holds turned, kOutputs at once.
template <class T, class V, int kVectors, int kOutputs>
void broadcast_outputs(const RowsProduct<T>& p, std::int64_t row, std::int64_t rows, std::int64_t first,
                       std::int64_t last, const typename Operand<T>::Unit* x) {
  const std::int64_t depth = p.depth / Operand<T>::kPack,
                     stride = p.w_stride * static_cast<std::int64_t>(sizeof(T));
  alignas(64) V sums[kOutputs][kVectors];
  alignas(64) float turned[kLanesOf<V> * kVectors * kPanelColumns];
  // Whole vectors of outputs are finished at once.
  constexpr std::int64_t kGroup = 4 * kOutputs;
  static_assert(kGroup <= kPanelColumns);
  for (std::int64_t n = first; n < last; n += kGroup) {
    const std::int64_t columns = std::min(kGroup, last - n);
    for (std::int64_t c = 0; c < columns; c += kOutputs) {
      // The last ones once more rather than weights behind them.
      const std::int64_t at = std::min(n + c, last - kOutputs);
      broadcast_sums<T, V, kVectors, kOutputs>(reinterpret_cast<const char*>(p.w + at * p.w_stride), stride,
                                               x, depth, sums);
      for (std::int64_t o = std::max<std::int64_t>(0, n - at); o < kOutputs; ++o)
        for (std::int64_t r = 0; r < rows; ++r)
          turned[r * kPanelColumns + at - n + o] = reinterpret_cast<const float*>(sums[o])[r];
    }
    finish_rows(p, row, rows, n, columns, turned);
  }
}

// Up to kVectors vectors of rows, from `row` on.
template <class T, class V, int kVectors>
void broadcast_rows(const RowsProduct<T>& p, std::int64_t row, std::int64_t rows, std::int64_t first,
                    std::int64_t last) {
  using Unit = typename Operand<T>::Unit;
  constexpr int kOutputs = kSumsAtOnce<kVectors>;
  constexpr std::int64_t kRows = kLanesOf<V> * kVectors;
  const std::int64_t depth = p.depth / Operand<T>::kPack;
  Unit* x = scratch<Unit, 2>(depth * kRows);
  for (std::int64_t lane = 0; lane < kRows; ++lane) {
    const Unit* from = lane < rows ? units(p.x + (row + lane) * p.x_stride) : nullptr;
    for (std::int64_t k = 0; k < depth; ++k) x[k * kRows + lane] = from ? word(from + k) : Unit{};
  }
  if (last - first >= kOutputs)
    broadcast_outputs<T, V, kVectors, kOutputs>(p, row, rows, first, last, x);
  else
    broadcast_outputs<T, V, kVectors, 1>(p, row, rows, first, last, x);
}

template <class T>
void matmul_few_rows(const RowsProduct<T>& p, std::int64_t first, std::int64_t last) {
  for (std::int64_t row = 0; row < p.rows;) {
    const std::int64_t left = p.rows - row;
#if defined(__AVX512F__)
    const std::int64_t rows = std::min<std::int64_t>(left, 32);
    if (rows <= 8)
      broadcast_rows<T, V8, 1>(p, row, rows, first, last);
    else if (rows <= 16)
      broadcast_rows<T, V16, 1>(p, row, rows, first, last);
    else
      broadcast_rows<T, V16, 2>(p, row, rows, first, last);
#else
    const std::int64_t rows = std::min<std::int64_t>(left, 16);
    if (rows <= 8)
      broadcast_rows<T, V8, 1>(p, row, rows, first, last);
    else
      broadcast_rows<T, V8, 2>(p, row, rows, first, last);
#endif
    row += rows;
  }
}

}  // namespace caravan::models::cpu::CARAVAN_KERNEL_ISA
