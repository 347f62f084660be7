// Causal attention of one document, in tiles, forward and backward. Compiled once per instruction set.
//
// Rows are (token, head of the group) so that all query heads of a key/value head share its packed keys.
// Scores stay in fp32; blocks count from the document's start or its prefix's, so the result does not depend
// on how documents were packed, nor on whether they share what they begin with.
#pragma once

#include <algorithm>
#include <limits>

#include "models/ops/cpu/kernels.h"
#include "models/ops/cpu/product_tile.h"

namespace caravan::models::cpu::CARAVAN_KERNEL_ISA {

constexpr std::int64_t kRowBlock = 64;           // query rows at a time
constexpr std::int64_t kKeyBlock = kPageTokens;  // keys at a time; a multiple of every kTileColumns

// b[e / pack][begin + row] from x[row][e]: the right factor of (something) x^T. Columns behind are zero.
template <class T>
void pack_transposed(const T* x, std::int64_t stride, std::int64_t rows, std::int64_t width,
                     std::int64_t begin, std::int64_t columns, typename Operand<T>::Unit* b) {
  const std::int64_t depth = width / Operand<T>::kPack;
  for (std::int64_t k0 = 0; k0 < depth; k0 += 16) {
    const std::int64_t k1 = std::min(depth, k0 + 16);
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto* source = units(x + row * stride);
      for (std::int64_t k = k0; k < k1; ++k) b[k * columns + begin + row] = source[k];
    }
    for (std::int64_t k = k0; k < k1; ++k)
      for (std::int64_t row = begin + rows; row < columns; ++row) b[k * columns + row] = 0;
  }
}

// b[row / pack][e] from x[row][e]: the right factor of (something) x. Columns beyond `width` and a missing
// last row are zero.
template <class T>
void pack_rows(const T* const* x, std::int64_t rows, std::int64_t width, std::int64_t columns,
               typename Operand<T>::Unit* b) {
  if constexpr (Operand<T>::kPack == 1) {
    for (std::int64_t row = 0; row < rows; ++row) {
      std::memcpy(b + row * columns, x[row], static_cast<std::size_t>(width) * sizeof(T));
      for (std::int64_t e = width; e < columns; ++e) b[row * columns + e] = 0;
    }
  } else {
    for (std::int64_t row = 0; row < rows; row += 2) {
      const auto* low = reinterpret_cast<const std::uint16_t*>(x[row]);
      const auto* high = row + 1 < rows ? reinterpret_cast<const std::uint16_t*>(x[row + 1]) : nullptr;
      auto* out = b + row / 2 * columns;
      if (high) {
        for (std::int64_t e = 0; e < width; ++e) out[e] = low[e] | static_cast<std::uint32_t>(high[e]) << 16;
      } else {
        for (std::int64_t e = 0; e < width; ++e) out[e] = low[e];
      }
      for (std::int64_t e = width; e < columns; ++e) out[e] = 0;
    }
  }
}

// Keys or values of the prefix and of the document, as one run of `s.prefix + s.length` rows.
template <class T>
struct KeyRows {
  const T *prefix, *own;
};
template <class T>
void pack_keys_transposed(const AttentionShape& s, KeyRows<T> x, std::int64_t columns,
                          typename Operand<T>::Unit* b) {
  if (s.prefix > 0) pack_transposed(x.prefix, s.kv_stride, s.prefix, s.width, 0, columns, b);
  pack_transposed(x.own, s.kv_stride, s.length, s.width, s.prefix, columns, b);
}
// Blocks of kKeyBlock rows; what lies behind the last row of the last one is zero.
template <class T>
void pack_key_rows(const AttentionShape& s, KeyRows<T> x, std::int64_t columns,
                   typename Operand<T>::Unit* b) {
  constexpr std::int64_t kPack = Operand<T>::kPack;
  const std::int64_t total = s.prefix + s.length;
  for (std::int64_t key = 0; key < total; key += kKeyBlock) {
    const T* rows[kKeyBlock];
    const std::int64_t count = std::min(kKeyBlock, total - key);
    for (std::int64_t i = 0; i < count; ++i)
      rows[i] = key + i < s.prefix ? x.prefix + (key + i) * s.kv_stride
                                   : x.own + (key + i - s.prefix) * s.kv_stride;
    pack_rows(rows, count, s.width, columns, b + key / kPack * columns);
    for (std::int64_t i = round_up(count, kPack); i < kKeyBlock; i += kPack)
      std::fill_n(b + (key + i) / kPack * columns, columns, typename Operand<T>::Unit{0});
  }
}

// Keys row `row` (of a document) may see: [first, last).
struct KeyRange {
  std::int64_t first, last;
};
inline KeyRange visible_keys(const AttentionShape& s, std::int64_t row) {
  const std::int64_t token = s.prefix + row / s.group;
  return {s.window > 0 ? std::max<std::int64_t>(0, token - s.window + 1) : 0, token + 1};
}

// Pointers to rows [row, row + rows) of a [token][group][width] matrix.
template <class T>
void row_pointers(const T* base, std::int64_t stride, const AttentionShape& s, std::int64_t row,
                  std::int64_t rows, const T** out) {
  for (std::int64_t r = 0; r < rows; ++r)
    out[r] = base + (row + r) / s.group * stride + (row + r) % s.group * s.width;
}

template <class T>
struct Packed {
  using Unit = typename Operand<T>::Unit;
  Scratch<Unit> k_t, v_t, k_rows, v_rows, q_rows, d_out_rows;
  Scratch<float> dk, dv, dq;
};
template <class T>
Packed<T>& packed() {
  thread_local Packed<T> value;
  return value;
}

template <class T>
inline Vec exponential(Vec x) {
  if constexpr (std::is_same_v<T, float>)
    return x.exp();
  else
    return x.exp_u20();
}

// Query rows that are worked on together, and which keys each sees: ascending.
template <class T>
struct QueryRows {
  std::int64_t count = 0;
  const T* q[kRowBlock];
  KeyRange seen[kRowBlock];
};
// Keys [E / pack][kKeyBlock by ldk][pack] and values [kKeyBlock / pack][columns][pack] of one block.
template <class T>
struct KeyBlock {
  const typename Operand<T>::Unit* k;
  std::int64_t ldk;
  const typename Operand<T>::Unit* v;
};
// What a row has seen so far: sums over its keys [columns], scaled by exp(-peak).
struct RowSums {
  float* acc;
  float peak[kRowBlock], norm[kRowBlock];
};

// One row's scores over a block of keys that starts at `key` become weights exp(scale * s - peak), masked
// ones 0; what the row summed before is scaled to the new peak.
template <class T>
void weigh_block(float scale, KeyRange seen, std::int64_t key, float* x, T* p, std::int64_t columns,
                 float* acc, float& peak, float& norm) {
  const std::int64_t lo = std::max(seen.first - key, std::int64_t{0}),
                     hi = std::min(seen.last - key, kKeyBlock);
  if (lo >= hi) {
    std::fill_n(p, kKeyBlock, T(0.f));
    return;
  }
  std::fill_n(x, lo, -std::numeric_limits<float>::infinity());
  std::fill(x + hi, x + kKeyBlock, -std::numeric_limits<float>::infinity());
  Vec top(-std::numeric_limits<float>::infinity());
  for (std::int64_t i = 0; i < kKeyBlock; i += kLanes) top = at::vec::maximum(top, load(x + i));
  const float new_peak = std::max(peak, maximum(top) * scale);
  const float shrink = peak == new_peak ? 1.f : std::exp(peak - new_peak);
  Vec total(0.f);
  for (std::int64_t i = 0; i < kKeyBlock; i += kLanes) {
    const Vec e = exponential<T>(load(x + i) * Vec(scale) - Vec(new_peak));
    total = total + e;
    store(p + i, e);
  }
  if (shrink != 1.f)
    for (std::int64_t e = 0; e < columns; e += kLanes) store(acc + e, load(acc + e) * Vec(shrink));
  norm = norm * shrink + sum(total);
  peak = new_peak;
}

// Attention of rows over the blocks that `block(key)` names. A row's result does not depend on the rows
// beside it, nor on where the blocks lie: training and decoding get the same bits.
template <class T, class Block>
void attend_rows(const QueryRows<T>& rows, std::int64_t width, std::int64_t columns, float scale,
                 const Block& block, RowSums& out) {
  using Unit = typename Operand<T>::Unit;
  constexpr std::int64_t kPack = Operand<T>::kPack;
  const Unit* a[kRowBlock];
  alignas(64) float scores[kRowBlock * kKeyBlock];
  alignas(64) T weights[kRowBlock * kKeyBlock];
  std::fill_n(out.peak, rows.count, -std::numeric_limits<float>::infinity());
  std::fill_n(out.norm, rows.count, 0.f);
  std::fill_n(out.acc, rows.count * columns, 0.f);
  const std::int64_t first = rows.seen[0].first / kKeyBlock * kKeyBlock;
  const std::int64_t last = rows.seen[rows.count - 1].last;
  for (std::int64_t key = first; key < last; key += kKeyBlock) {
    const KeyBlock<T> keys = block(key);
    for (std::int64_t r = 0; r < rows.count; ++r) a[r] = units(rows.q[r]);
    product<T>(a, rows.count, keys.k, keys.ldk, width / kPack, kKeyBlock, scores, kKeyBlock, false);
    for (std::int64_t r = 0; r < rows.count; ++r)
      weigh_block(scale, rows.seen[r], key, scores + r * kKeyBlock, weights + r * kKeyBlock, columns,
                  out.acc + r * columns, out.peak[r], out.norm[r]);
    for (std::int64_t r = 0; r < rows.count; ++r) a[r] = units(weights + r * kKeyBlock);
    product<T>(a, rows.count, keys.v, columns, kKeyBlock / kPack, columns, out.acc, columns, true);
  }
}

// out[e] = sums of row r over its norm.
template <class T>
void finish_row(const RowSums& sums, std::int64_t r, std::int64_t width, std::int64_t columns, T* out) {
  const Vec inverse(1.f / sums.norm[r]);
  for_lanes(width, [&](std::int64_t e, std::int64_t count) {
    store_at(out, e, count, load_at(sums.acc + r * columns, e, count) * inverse);
  });
}

template <class T>
void attention(const AttentionShape& s, const AttentionRows<T>& x, T* out, float* lse) {
  using Unit = typename Operand<T>::Unit;
  constexpr std::int64_t kPack = Operand<T>::kPack;
  const std::int64_t keys = round_up(s.prefix + s.length, kKeyBlock),
                     columns = round_up(s.width, kTileColumns);
  Packed<T>& buffers = packed<T>();
  Unit* k_t = buffers.k_t.get(s.width / kPack * keys);
  Unit* v_rows = buffers.v_rows.get(keys / kPack * columns);
  pack_keys_transposed<T>(s, {x.prefix_k, x.k}, keys, k_t);
  pack_key_rows<T>(s, {x.prefix_v, x.v}, columns, v_rows);
  RowSums sums;
  sums.acc = buffers.dk.get(kRowBlock * columns);
  QueryRows<T> rows;
  const std::int64_t total_rows = s.length * s.group;
  for (std::int64_t row0 = 0; row0 < total_rows; row0 += kRowBlock) {
    rows.count = std::min(kRowBlock, total_rows - row0);
    row_pointers(x.q, s.q_stride, s, row0, rows.count, rows.q);
    for (std::int64_t r = 0; r < rows.count; ++r) rows.seen[r] = visible_keys(s, row0 + r);
    attend_rows(
        rows, s.width, columns, s.scale,
        [&](std::int64_t key) {
          return KeyBlock<T>{k_t + key, keys, v_rows + key / kPack * columns};
        },
        sums);
    for (std::int64_t r = 0; r < rows.count; ++r) {
      const std::int64_t token = (row0 + r) / s.group, head = (row0 + r) % s.group;
      finish_row(sums, r, s.width, columns, out + token * s.out_stride + head * s.width);
      lse[row0 + r] = sums.peak[r] + std::log(sums.norm[r]);
    }
  }
}

// Everything a backward pass over one document and key/value head shares between its blocks.
template <class T>
struct BackwardState {
  using Unit = typename Operand<T>::Unit;
  const AttentionShape& s;
  std::int64_t keys, columns;
  Unit *k_t, *v_t, *k_rows;
  float *dk, *dv;
};

// Gradients of one block of query rows: dq is written, dk and dv are added to.
template <class T>
void attention_backward_rows(const BackwardState<T>& b, std::int64_t row0, std::int64_t rows, const T* q,
                             const T* out, const float* lse, const T* d_out, T* dq) {
  using Unit = typename Operand<T>::Unit;
  constexpr std::int64_t kPack = Operand<T>::kPack;
  const AttentionShape& s = b.s;
  const T *q_rows[kRowBlock], *d_rows[kRowBlock], *o_rows[kRowBlock];
  row_pointers(q, s.q_stride, s, row0, rows, q_rows);
  row_pointers(d_out, s.out_stride, s, row0, rows, d_rows);
  row_pointers(out, s.out_stride, s, row0, rows, o_rows);
  float delta[kRowBlock];
  for (std::int64_t r = 0; r < rows; ++r) {
    Vec dot(0.f);
    for_lanes(s.width, [&](std::int64_t e, std::int64_t count) {
      dot = at::vec::fmadd(load_at(d_rows[r], e, count), load_at(o_rows[r], e, count), dot);
    });
    delta[r] = sum(dot);
  }
  Packed<T>& buffers = packed<T>();
  const std::int64_t depth = round_up(rows, kPack) / kPack;
  Unit* q_pack = buffers.q_rows.get(kRowBlock / kPack * b.columns);
  Unit* d_pack = buffers.d_out_rows.get(kRowBlock / kPack * b.columns);
  pack_rows(q_rows, rows, s.width, b.columns, q_pack);
  pack_rows(d_rows, rows, s.width, b.columns, d_pack);

  alignas(64) float scores[kRowBlock * kKeyBlock], d_weights[kRowBlock * kKeyBlock];
  alignas(64) T d_scores[kRowBlock * kKeyBlock];
  alignas(64) T weights_t[kKeyBlock * kRowBlock], d_scores_t[kKeyBlock * kRowBlock];
  float* dq_acc = buffers.dq.get(kRowBlock * b.columns);
  const Unit* a[kRowBlock];
  const std::int64_t first = visible_keys(s, row0).first / kKeyBlock * kKeyBlock;
  const std::int64_t last = visible_keys(s, row0 + rows - 1).last;
  for (std::int64_t key = first; key < last; key += kKeyBlock) {
    for (std::int64_t r = 0; r < rows; ++r) a[r] = units(q_rows[r]);
    product<T>(a, rows, b.k_t + key, b.keys, s.width / kPack, kKeyBlock, scores, kKeyBlock, false);
    for (std::int64_t r = 0; r < rows; ++r) a[r] = units(d_rows[r]);
    product<T>(a, rows, b.v_t + key, b.keys, s.width / kPack, kKeyBlock, d_weights, kKeyBlock, false);
    for (std::int64_t r = 0; r < rows; ++r) {
      float* x = scores + r * kKeyBlock;
      const float* g = d_weights + r * kKeyBlock;
      const KeyRange seen = visible_keys(s, row0 + r);
      const std::int64_t lo = std::clamp(seen.first - key, std::int64_t{0}, kKeyBlock);
      const std::int64_t hi = std::clamp(seen.last - key, lo, kKeyBlock);
      std::fill_n(x, lo, -std::numeric_limits<float>::infinity());
      std::fill(x + hi, x + kKeyBlock, -std::numeric_limits<float>::infinity());
      for (std::int64_t i = 0; i < kKeyBlock; i += kLanes) {
        const Vec p = exponential<T>(load(x + i) * Vec(s.scale) - Vec(lse[row0 + r]));
        store(x + i, p);
        store(d_scores + r * kKeyBlock + i, p * (load(g + i) - Vec(delta[r])) * Vec(s.scale));
      }
    }
    for (std::int64_t j = 0; j < kKeyBlock; ++j) {
      T* p_t = weights_t + j * kRowBlock;
      T* d_t = d_scores_t + j * kRowBlock;
      for (std::int64_t r = 0; r < rows; ++r) {
        p_t[r] = static_cast<T>(scores[r * kKeyBlock + j]);
        d_t[r] = d_scores[r * kKeyBlock + j];
      }
      if (rows % kPack) p_t[rows] = d_t[rows] = T(0.f);
    }
    for (std::int64_t r = 0; r < rows; ++r) a[r] = units(d_scores + r * kKeyBlock);
    product<T>(a, rows, b.k_rows + key / kPack * b.columns, b.columns, kKeyBlock / kPack, b.columns, dq_acc,
               b.columns, key != first);
    const std::int64_t count = std::min(kKeyBlock, last - key);
    for (std::int64_t j = 0; j < count; ++j) a[j] = units(weights_t + j * kRowBlock);
    product<T>(a, count, d_pack, b.columns, depth, b.columns, b.dv + key * b.columns, b.columns, true);
    for (std::int64_t j = 0; j < count; ++j) a[j] = units(d_scores_t + j * kRowBlock);
    product<T>(a, count, q_pack, b.columns, depth, b.columns, b.dk + key * b.columns, b.columns, true);
  }
  for (std::int64_t r = 0; r < rows; ++r) {
    T* target = dq + (row0 + r) / s.group * s.q_stride + (row0 + r) % s.group * s.width;
    for_lanes(s.width, [&](std::int64_t e, std::int64_t count) {
      store_at(target, e, count, load_at(dq_acc + r * b.columns, e, count));
    });
  }
}

template <class T>
void attention_backward(const AttentionShape& s, const AttentionRows<T>& x, const T* out, const float* lse,
                        const T* d_out, const AttentionGradients<T>& d) {
  constexpr std::int64_t kPack = Operand<T>::kPack;
  const std::int64_t total = s.prefix + s.length;
  const std::int64_t keys = round_up(total, kKeyBlock), columns = round_up(s.width, kTileColumns);
  Packed<T>& buffers = packed<T>();
  BackwardState<T> state{s,
                         keys,
                         columns,
                         buffers.k_t.get(s.width / kPack * keys),
                         buffers.v_t.get(s.width / kPack * keys),
                         buffers.k_rows.get(keys / kPack * columns),
                         buffers.dk.get(keys * columns),
                         buffers.dv.get(keys * columns)};
  pack_keys_transposed<T>(s, {x.prefix_k, x.k}, keys, state.k_t);
  pack_keys_transposed<T>(s, {x.prefix_v, x.v}, keys, state.v_t);
  pack_key_rows<T>(s, {x.prefix_k, x.k}, columns, state.k_rows);
  std::fill_n(state.dk, total * columns, 0.f);
  std::fill_n(state.dv, total * columns, 0.f);
  for (std::int64_t key = 0; key < d.shared; ++key) {
    std::copy_n(d.shared_dk + key * s.width, s.width, state.dk + key * columns);
    std::copy_n(d.shared_dv + key * s.width, s.width, state.dv + key * columns);
  }
  const std::int64_t total_rows = s.length * s.group;
  for (std::int64_t row0 = 0; row0 < total_rows; row0 += kRowBlock)
    attention_backward_rows(state, row0, std::min(kRowBlock, total_rows - row0), x.q, out, lse, d_out, d.dq);
  for (std::int64_t key = 0; key < s.prefix; ++key)
    for (std::int64_t e = 0; e < s.width; ++e) {
      d.prefix_dk[key * s.width + e] += state.dk[key * columns + e];
      d.prefix_dv[key * s.width + e] += state.dv[key * columns + e];
    }
  for (std::int64_t key = 0; key < s.length; ++key) {
    const std::int64_t from = (s.prefix + key) * columns;
    for_lanes(s.width, [&](std::int64_t e, std::int64_t count) {
      store_at(d.dk + key * s.kv_stride, e, count, load_at(state.dk + from, e, count));
      store_at(d.dv + key * s.kv_stride, e, count, load_at(state.dv + from, e, count));
    });
  }
}

}  // namespace caravan::models::cpu::CARAVAN_KERNEL_ISA
