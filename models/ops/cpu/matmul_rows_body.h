// Matrix product of few rows, as in decoding: each weight is read once, each output is one dot product.
// Compiled once per instruction set; see kernels.h for what it promises.
//
// Both operands are read along their rows, so nothing is packed and the weights stream from memory in order.
// Every output has one accumulator that runs over the depth in the same order whatever tile it lies in: a
// row's result does not depend on the rows beside it, bit for bit.
#pragma once

#include <algorithm>

#include "models/ops/cpu/kernels.h"
#include "models/ops/cpu/simd.h"

namespace caravan::models::cpu::CARAVAN_KERNEL_ISA {

// acc + x w over sixteen words (16 floats, or 16 pairs of bf16).
inline V16 dot_step(V16 acc, const float* x, const float* w) {
  return acc + *reinterpret_cast<const V16*>(x) * *reinterpret_cast<const V16*>(w);
}
inline V16 dot_step(V16 acc, const std::uint32_t* x, const std::uint32_t* w) {
#if defined(__AVX512BF16__)
  return (V16)_mm512_dpbf16_ps((__m512)acc, (__m512bh)_mm512_loadu_si512(x), (__m512bh)_mm512_loadu_si512(w));
#else
  const U16 a = *reinterpret_cast<const U16*>(x), b = *reinterpret_cast<const U16*>(w);
  acc += (V16)(a << 16) * (V16)(b << 16);
  return acc + (V16)(a & 0xffff0000u) * (V16)(b & 0xffff0000u);
#endif
}

// Sums of four vectors at once, each in the order of the same tree.
inline void sum_lanes(const V16* v, float* out) {
  typedef float V4 __attribute__((vector_size(16)));
  typedef int I4 __attribute__((vector_size(16)));
  V4 quarter[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const __m256 low = _mm256_loadu_ps(reinterpret_cast<const float*>(v + i));
    const __m256 high = _mm256_loadu_ps(reinterpret_cast<const float*>(v + i) + 8);
    const __m256 half = low + high;
    quarter[i] = (V4)(_mm256_castps256_ps128(half) + _mm256_extractf128_ps(half, 1));
  }
  const V4 a = __builtin_shuffle(quarter[0], quarter[1], I4{0, 4, 1, 5}) +
               __builtin_shuffle(quarter[0], quarter[1], I4{2, 6, 3, 7});
  const V4 b = __builtin_shuffle(quarter[2], quarter[3], I4{0, 4, 1, 5}) +
               __builtin_shuffle(quarter[2], quarter[3], I4{2, 6, 3, 7});
  const V4 sums = __builtin_shuffle(a, b, I4{0, 1, 4, 5}) + __builtin_shuffle(a, b, I4{2, 3, 6, 7});
  std::memcpy(out, &sums, sizeof sums);
}

// out[r][n] = x[r] . w[n] for R rows and four columns. Fetches what lies `ahead` elements behind what it
// reads: four streams of short rows are more than the processor foresees by itself.
template <class T, int R>
inline void dot_tile(const T* x, std::int64_t x_stride, const T* w, std::int64_t w_stride, std::int64_t depth,
                     std::int64_t ahead, float (*out)[4]) {
  constexpr std::int64_t kStep = 16 * Operand<T>::kPack;
  V16 acc[R][4];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int n = 0; n < 4; ++n) acc[r][n] = splat(0.f);
  std::int64_t k = 0;
  for (; k + kStep <= depth; k += kStep) {
#pragma GCC unroll 4
    for (int n = 0; n < 4; ++n) __builtin_prefetch(w + n * w_stride + k + ahead);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (int n = 0; n < 4; ++n)
        acc[r][n] = dot_step(acc[r][n], units(x + r * x_stride + k), units(w + n * w_stride + k));
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    sum_lanes(acc[r], out[r]);
    for (std::int64_t rest = k; rest < depth; ++rest)
      for (int n = 0; n < 4; ++n)
        out[r][n] += static_cast<float>(x[r * x_stride + rest]) * static_cast<float>(w[n * w_stride + rest]);
  }
}

#if defined(__AVX512F__)
constexpr int kDotRows = 6;  // 24 accumulators of 32 registers
#else
constexpr int kDotRows = 2;
#endif

template <class T>
void dot_rows(std::int64_t rows, const T* x, std::int64_t x_stride, const T* w, std::int64_t w_stride,
              std::int64_t depth, std::int64_t ahead, float (*out)[4]) {
  switch (rows) {
#if defined(__AVX512F__)
    case 6:
      return dot_tile<T, 6>(x, x_stride, w, w_stride, depth, ahead, out);
    case 5:
      return dot_tile<T, 5>(x, x_stride, w, w_stride, depth, ahead, out);
    case 4:
      return dot_tile<T, 4>(x, x_stride, w, w_stride, depth, ahead, out);
    case 3:
      return dot_tile<T, 3>(x, x_stride, w, w_stride, depth, ahead, out);
#endif
    case 2:
      return dot_tile<T, 2>(x, x_stride, w, w_stride, depth, ahead, out);
    default:
      return dot_tile<T, 1>(x, x_stride, w, w_stride, depth, ahead, out);
  }
}

template <class T>
void matmul_rows(const RowsProduct<T>& p, std::int64_t first, std::int64_t last) {
  float sums[kDotRows][4];
  for (std::int64_t n = first; n < last; n += 4) {
    // Fewer than four columns are left: the tile ends with the last column, and writes only what is new.
    const std::int64_t tile = std::min(n, p.outputs - 4), columns = std::min<std::int64_t>(4, last - n);
    for (std::int64_t r = 0; r < p.rows; r += kDotRows) {
      const std::int64_t rows = std::min<std::int64_t>(kDotRows, p.rows - r);
      if (tile < 0) {
        for (std::int64_t c = 0; c < columns; ++c) {
          float column[kDotRows][4];
          dot_rows(rows, p.x + r * p.x_stride, p.x_stride, p.w + (n + c) * p.w_stride, 0, p.depth, 0, column);
          for (std::int64_t i = 0; i < rows; ++i) sums[i][c] = column[i][0];
        }
      } else {
        dot_rows(rows, p.x + r * p.x_stride, p.x_stride, p.w + tile * p.w_stride, p.w_stride, p.depth,
                 r == 0 ? 4 * p.w_stride : 0, sums);
      }
      const std::int64_t shift = tile < 0 ? 0 : n - tile;
      for (std::int64_t i = 0; i < rows; ++i)
        for (std::int64_t c = 0; c < columns; ++c) {
          float y = sums[i][c + shift];
          if (p.bias) y += static_cast<float>(p.bias[n + c]);
          if (p.residual) y += static_cast<float>(p.residual[(r + i) * p.residual_stride + n + c]);
          p.y[(r + i) * p.y_stride + n + c] = static_cast<T>(y);
        }
    }
  }
}

}  // namespace caravan::models::cpu::CARAVAN_KERNEL_ISA
