// Matrix product with weights as they lie, [N, K]: see kernels.h for what it promises. Compiled once per
// instruction set.
//
// A vector holds one element (a pair of them in bf16) of sixteen outputs, so each output is one sum over the
// depth from its first element to its last, whatever tile it lies in and however many rows there are: the sum
// of any other product that runs over the depth in order. Weights are turned to that form panel by panel in
// the cache while they stream from memory once.
#pragma once

#include <algorithm>

#include "models/ops/cpu/few_rows_body.h"

namespace caravan::models::cpu::CARAVAN_KERNEL_ISA {

// With few rows a panel is turned and used in pieces of this depth, in words of 4 bytes, that stay in the
// first cache; more rows use a panel again and again, which must stay in the second.
constexpr std::int64_t kPieceDepth = 64, kPanelDepth = 2048;

// out[u][i] = row[i][u] for sixteen rows and four words u of 4 bytes; `out` has `ldo` words a line.
inline void transpose_words(const char* const* row, std::uint32_t* out, std::int64_t ldo) {
#if defined(__AVX512F__)
  __m512i v[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const auto quarter = [&](int lane) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(row[i + 4 * lane]));
    };
    v[i] = _mm512_castsi128_si512(quarter(0));
    v[i] = _mm512_mask_broadcast_i32x4(v[i], 0x00f0, quarter(1));
    v[i] = _mm512_mask_broadcast_i32x4(v[i], 0x0f00, quarter(2));
    v[i] = _mm512_mask_broadcast_i32x4(v[i], 0xf000, quarter(3));
  }
  const __m512i low01 = _mm512_unpacklo_epi32(v[0], v[1]), high01 = _mm512_unpackhi_epi32(v[0], v[1]);
  const __m512i low23 = _mm512_unpacklo_epi32(v[2], v[3]), high23 = _mm512_unpackhi_epi32(v[2], v[3]);
  _mm512_storeu_si512(out, _mm512_unpacklo_epi64(low01, low23));
  _mm512_storeu_si512(out + ldo, _mm512_unpackhi_epi64(low01, low23));
  _mm512_storeu_si512(out + 2 * ldo, _mm512_unpacklo_epi64(high01, high23));
  _mm512_storeu_si512(out + 3 * ldo, _mm512_unpackhi_epi64(high01, high23));
#else
#pragma GCC unroll 4
  for (int lane = 0; lane < 4; ++lane) {
    __m128i v[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) v[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(row[4 * lane + i]));
    const __m128i low01 = _mm_unpacklo_epi32(v[0], v[1]), high01 = _mm_unpackhi_epi32(v[0], v[1]);
    const __m128i low23 = _mm_unpacklo_epi32(v[2], v[3]), high23 = _mm_unpackhi_epi32(v[2], v[3]);
    auto* to = reinterpret_cast<__m128i*>(out + 4 * lane);
    const auto line = [&](std::int64_t u) { return reinterpret_cast<__m128i*>(out + 4 * lane + u * ldo); };
    _mm_storeu_si128(to, _mm_unpacklo_epi64(low01, low23));
    _mm_storeu_si128(line(1), _mm_unpackhi_epi64(low01, low23));
    _mm_storeu_si128(line(2), _mm_unpacklo_epi64(high01, high23));
    _mm_storeu_si128(line(3), _mm_unpackhi_epi64(high01, high23));
  }
#endif
}

// Turns `depth` words of the rows of w from `first` on into panel[word][column], columns a multiple of 16;
// columns behind the last row repeat it. With `fetches`, the same part of the rows kPanelColumns further on
// is fetched meanwhile: so many streams of short rows are more than the processor foresees by itself.
template <class T>
void pack_panel(const T* w, std::int64_t stride, std::int64_t rows, std::int64_t columns, std::int64_t depth,
                bool fetches, typename Operand<T>::Unit* panel) {
  auto* out = reinterpret_cast<std::uint32_t*>(panel);
  for (std::int64_t c = 0; c < columns; c += 16) {
    const char* row[16];
    for (std::int64_t i = 0; i < 16; ++i)
      row[i] = reinterpret_cast<const char*>(w + std::min(c + i, rows - 1) * stride);
    const std::int64_t ahead = kPanelColumns * stride * static_cast<std::int64_t>(sizeof(T));
    std::int64_t u = 0;
    for (; u + 4 <= depth; u += 4) {
      if (fetches && u % 16 == 0)
#pragma GCC unroll 16
        for (int i = 0; i < 16; ++i) __builtin_prefetch(row[i] + ahead, 0, 2);
      transpose_words(row, out + u * columns + c, columns);
#pragma GCC unroll 16
      for (int i = 0; i < 16; ++i) row[i] += 16;
    }
    for (; u < depth; ++u)
      for (int i = 0; i < 16; ++i, row[i - 1] += 4) std::memcpy(out + u * columns + c + i, row[i], 4);
  }
}

// Pointers to rows [row, row + count) of x, from word k on, the rows left being in tiles of about one height.
template <class T>
std::int64_t rows_from(const RowsProduct<T>& p, std::int64_t row, std::int64_t k,
                       const typename Operand<T>::Unit** out) {
  const std::int64_t left = p.rows - row, tiles = (left + kTileRows - 1) / kTileRows;
  const std::int64_t count = (left + tiles - 1) / tiles;
  for (std::int64_t r = 0; r < count; ++r) out[r] = units(p.x + (row + r) * p.x_stride) + k;
  return count;
}

// The weights of the panel that begins at row n, with what lies between their rows.
template <class T>
Fetch next_panel(const RowsProduct<T>& p, std::int64_t n, std::int64_t last) {
  const auto at = [&](std::int64_t row) { return reinterpret_cast<const char*>(p.w + row * p.w_stride); };
  return {at(std::min(n, last)), at(std::min(n + kPanelColumns, last))};
}

template <class T>
void matmul_rows(const RowsProduct<T>& p, std::int64_t first, std::int64_t last) {
  if (p.rows <= kFewRows) return matmul_few_rows(p, first, last);
  const std::int64_t depth = p.depth / Operand<T>::kPack;
  const std::int64_t piece = p.rows <= kTileRows ? kPieceDepth : kPanelDepth;
  auto* panel = scratch<typename Operand<T>::Unit>(std::min(piece, depth) * kPanelColumns);
  // A panel has four lines a word, and a tile fetches one a word.
  const bool tiles_fetch = p.rows > 3 * kTileRows;
  // Sums of a few rows, or of rows that are finished one after the other, need no more than a tile.
  const bool keep = p.rows > kTileRows && depth > piece;
  alignas(64) float tile_sums[kTileRows * kPanelColumns];
  float* sums = keep ? scratch<float, 1>(p.rows * kPanelColumns) : tile_sums;
  const typename Operand<T>::Unit* a[kTileRows];
  for (std::int64_t n = first; n < last; n += kPanelColumns) {
    const std::int64_t columns = std::min(kPanelColumns, last - n), packed = round_up(columns, 16);
    for (std::int64_t k = 0; k == 0 || k < depth; k += piece) {
      const std::int64_t words = std::min(piece, depth - k);
      pack_panel(p.w + n * p.w_stride + k * Operand<T>::kPack, p.w_stride, p.outputs - n, packed, words,
                 !tiles_fetch, panel);
      Fetch fetch = tiles_fetch && k + words >= depth ? next_panel(p, n + columns, last) : Fetch{};
      for (std::int64_t row = 0, rows; row < p.rows; row += rows) {
        rows = rows_from(p, row, k, a);
        float* to = keep ? sums + row * kPanelColumns : sums;
        fetch = product<T>(a, rows, panel, packed, words, packed, to, kPanelColumns, k > 0, fetch);
        if (k + words >= depth) finish_rows(p, row, rows, n, columns, to);
      }
    }
  }
}

}  // namespace caravan::models::cpu::CARAVAN_KERNEL_ISA
