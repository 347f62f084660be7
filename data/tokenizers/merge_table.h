// Which two neighbours merge into what, and how early: the heart of byte-pair encoding.
//
// Look-ups come at random and most of them fail, so the table that answers "no" is kept small: eight bytes a
// slot, part of the pair's hash and the number of its entry. Filled once, then read-only.
#pragma once

#include <immintrin.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "data/tokenizers/large_array.h"

namespace caravan::data {

class MergeTable {
 public:
  static constexpr std::uint32_t kNever = UINT32_MAX;

  struct Merge {
    std::int32_t left;
    std::int32_t right;
    std::uint32_t rank = kNever;  // lower merges first
    std::int32_t merged;
  };

  // A pair of neighbours on its way to be looked up.
  struct Pair {
    std::int32_t left;
    std::int32_t right;
    std::uint64_t hash;
  };

  explicit MergeTable(std::size_t num_merges = 0)
      : slots_(std::bit_ceil(num_merges * 3 / 2 + 2)), entries_{Merge{-1, -1, kNever, -1}} {
    entries_.reserve(num_merges + 1);
  }

  // At most as many pairs as the constructor was told; the same pair again takes the new rank.
  void set(const Merge& merge) {
    const Pair pair = start(merge.left, merge.right);
    const std::size_t at = probe(pair);
    if (slots_[at].entry != 0) {
      entries_[slots_[at].entry] = merge;
    } else {
      slots_[at] = {tag(pair), static_cast<std::uint32_t>(entries_.size())};
      entries_.push_back(merge);
    }
  }

  // Two steps, so that the memory of several pairs can be on its way at once.
  Pair start(std::int32_t left, std::int32_t right) const {
    const std::uint64_t key = static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
                              static_cast<std::uint32_t>(right);
    const unsigned __int128 product =
        static_cast<unsigned __int128>(key ^ 0x94d049bb133111ebu) * 0x9e3779b97f4a7c15u;
    const Pair pair{left, right,
                    static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64)};
    _mm_prefetch(reinterpret_cast<const char*>(&slots_[place(pair)]), _MM_HINT_T0);
    return pair;
  }
  // The merge of a pair; its rank is kNever where the two do not merge.
  const Merge& find(const Pair& pair) const { return entries_[slots_[probe(pair)].entry]; }
  const Merge& find(std::int32_t left, std::int32_t right) const { return find(start(left, right)); }

 private:
  struct Slot {
    std::uint32_t tag;
    std::uint32_t entry;  // 0: empty
  };

  static std::uint32_t tag(const Pair& pair) { return static_cast<std::uint32_t>(pair.hash >> 32); }
  std::size_t place(const Pair& pair) const { return pair.hash & (slots_.size() - 1); }
  std::size_t probe(const Pair& pair) const {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = place(pair);; at = (at + 1) & mask) {
      const Slot slot = slots_[at];
      if (slot.entry == 0) return at;
      if (slot.tag != tag(pair)) continue;
      const Merge& entry = entries_[slot.entry];
      if (entry.left == pair.left && entry.right == pair.right) return at;
    }
  }

  LargeArray<Slot> slots_;  // a power of two
  std::vector<Merge> entries_;
};

}  // namespace caravan::data
