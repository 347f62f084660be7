// The products that all kernels are made of: rows times a packed right factor, sums in registers. Compiled
// once per instruction set.
//
// An output is one sum over the depth in its order, so it does not depend on the rows and columns beside it.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>

#include "models/ops/cpu/simd.h"

namespace caravan::models::cpu::CARAVAN_KERNEL_ISA {

#if defined(__AVX512F__)
constexpr int kTileVectors = 4;
#else
constexpr int kTileVectors = 1;
#endif
constexpr std::int64_t kTileColumns = 16 * kTileVectors;
constexpr std::int64_t kTileRows = 6;

// Rows of bf16 may begin at any element.
template <class Unit>
inline Unit word(const Unit* p) {
  Unit value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

// Memory that a product asks for while it computes, a line a word of the depth: what comes next arrives at no
// cost, where asking for all of it at once would wait.
struct Fetch {
  const char* line = nullptr;
  const char* end = nullptr;
};
constexpr std::int64_t kLineBytes = 64;

// c[R][16 V] (+)= a[R][depth] b[depth][16 V]; the accumulators stay in registers.
template <class T, int R, int V>
inline void tile(const typename Operand<T>::Unit* const* a, const typename Operand<T>::Unit* b,
                 std::int64_t ldb, std::int64_t depth, float* c, std::int64_t ldc, bool accumulate,
                 Fetch& fetch) {
  V16 acc[R][V];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v)
      acc[r][v] = accumulate ? *reinterpret_cast<const V16*>(c + r * ldc + 16 * v) : splat(0.f);
  const bool fetches = fetch.line < fetch.end;
  const char* line = fetches ? fetch.line : reinterpret_cast<const char*>(b);
  const std::int64_t step = fetches ? kLineBytes : 0;
  for (std::int64_t k = 0; k < depth; ++k, b += ldb, line += step) {
    __builtin_prefetch(line, 0, 2);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) acc[r][v] = Operand<T>::multiply_add(acc[r][v], word(a[r] + k), b + 16 * v);
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) *reinterpret_cast<V16*>(c + r * ldc + 16 * v) = acc[r][v];
  if (fetches) fetch.line = line;
}

// The same for all rows.
template <class T, int V>
inline void column_tiles(const typename Operand<T>::Unit* const* a, std::int64_t rows,
                         const typename Operand<T>::Unit* b, std::int64_t ldb, std::int64_t depth, float* c,
                         std::int64_t ldc, bool accumulate, Fetch& fetch) {
  std::int64_t r = 0;
  for (; r + kTileRows <= rows; r += kTileRows)
    tile<T, kTileRows, V>(a + r, b, ldb, depth, c + r * ldc, ldc, accumulate, fetch);
  switch (rows - r) {
    case 5:
      return tile<T, 5, V>(a + r, b, ldb, depth, c + r * ldc, ldc, accumulate, fetch);
    case 4:
      return tile<T, 4, V>(a + r, b, ldb, depth, c + r * ldc, ldc, accumulate, fetch);
    case 3:
      return tile<T, 3, V>(a + r, b, ldb, depth, c + r * ldc, ldc, accumulate, fetch);
    case 2:
      return tile<T, 2, V>(a + r, b, ldb, depth, c + r * ldc, ldc, accumulate, fetch);
    case 1:
      return tile<T, 1, V>(a + r, b, ldb, depth, c + r * ldc, ldc, accumulate, fetch);
    default:
      return;
  }
}

// c[rows][columns] (+)= a b, columns a multiple of 16. a: one pointer per row. Returns what is left to fetch.
template <class T>
Fetch product(const typename Operand<T>::Unit* const* a, std::int64_t rows,
              const typename Operand<T>::Unit* b, std::int64_t ldb, std::int64_t depth, std::int64_t columns,
              float* c, std::int64_t ldc, bool accumulate, Fetch fetch = {}) {
  std::int64_t n = 0;
  for (; n + kTileColumns <= columns; n += kTileColumns)
    column_tiles<T, kTileVectors>(a, rows, b + n, ldb, depth, c + n, ldc, accumulate, fetch);
  for (; n < columns; n += 16) column_tiles<T, 1>(a, rows, b + n, ldb, depth, c + n, ldc, accumulate, fetch);
  return fetch;
}

inline std::int64_t round_up(std::int64_t n, std::int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

// Grows, never shrinks; one set per thread, so that documents of a step share it.
template <class U>
class Scratch {
 public:
  U* get(std::int64_t count) {
    if (count > capacity_) {
      data_.reset(
          static_cast<U*>(std::aligned_alloc(64, static_cast<std::size_t>(round_up(count, 16)) * sizeof(U))));
      if (!data_) throw std::bad_alloc();
      capacity_ = count;
    }
    return data_.get();
  }

 private:
  struct Free {
    void operator()(U* p) const { std::free(p); }
  };
  std::unique_ptr<U, Free> data_;
  std::int64_t capacity_ = 0;
};

// One for each thread and use.
template <class U, int kUse = 0>
U* scratch(std::int64_t count) {
  thread_local Scratch<U> memory;
  return memory.get(count);
}

// Outputs that are finished together at the most: the columns of a panel of turned weights.
constexpr std::int64_t kPanelColumns = 64;

// The rest of an output: a depth that is no whole number of words, bias and residual, one rounding.
template <class T>
void finish_rows(const RowsProduct<T>& p, std::int64_t row, std::int64_t rows, std::int64_t first,
                 std::int64_t columns, float* sums) {
  for (std::int64_t r = row; r < row + rows; ++r, sums += kPanelColumns) {
    const T* x = p.x + r * p.x_stride;
    for (std::int64_t k = p.depth / Operand<T>::kPack * Operand<T>::kPack; k < p.depth; ++k)
      for (std::int64_t c = 0; c < columns; ++c)
        sums[c] += static_cast<float>(x[k]) * static_cast<float>(p.w[(first + c) * p.w_stride + k]);
    T* y = p.y + r * p.y_stride + first;
    const T* residual = p.residual ? p.residual + r * p.residual_stride + first : nullptr;
    for_lanes(columns, [&](std::int64_t c, std::int64_t count) {
      Vec value = load(sums + c);
      if (p.bias) value = value + load_at(p.bias + first, c, count);
      if (residual) value = value + load_at(residual, c, count);
      store_at(y, c, count, value);
    });
  }
}

}  // namespace caravan::models::cpu::CARAVAN_KERNEL_ISA
