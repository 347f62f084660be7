// Attention of one query token over cached keys, see models/generation/kv_cache.h for the pages. Compiled
// once per instruction set.
//
// A page holds keys and values as attention_body packs them for a block of keys, so that nothing is packed
// here.
#pragma once

#include "models/ops/cpu/attention_body.h"

namespace caravan::models::cpu::CARAVAN_KERNEL_ISA {

template <class T>
void attention_decode(const DecodeShape& s, const T* q, const T* const* pages, T* out) {
  const std::int64_t columns = round_up(s.width, kValueColumns);
  const KeyRange seen{s.window > 0 ? std::max<std::int64_t>(0, s.length - s.window) : 0, s.length};
  RowSums sums;
  sums.acc = packed<T>().dk.get(kRowBlock * columns);
  QueryRows<T> rows;
  for (std::int64_t head = 0; head < s.group; head += kRowBlock) {
    rows.count = std::min(kRowBlock, s.group - head);
    for (std::int64_t r = 0; r < rows.count; ++r) {
      rows.q[r] = q + (head + r) * s.width;
      rows.seen[r] = seen;
    }
    attend_rows(
        rows, s.width, columns, s.scale,
        [&](std::int64_t key) {
          const T* page = pages[key / kKeyBlock];
          return KeyBlock<T>{units(page + s.k_offset), kKeyBlock, units(page + s.v_offset)};
        },
        sums);
    for (std::int64_t r = 0; r < rows.count; ++r)
      finish_row(sums, r, s.width, columns, out + (head + r) * s.width);
  }
}

}  // namespace caravan::models::cpu::CARAVAN_KERNEL_ISA
