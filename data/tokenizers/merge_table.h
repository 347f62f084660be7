// Which two neighbours merge into what, and how early: the heart of byte-pair encoding.
//
// One open-addressed table of 16-byte entries, so that a look-up costs one cache line. Filled once, then
// read-only.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

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

  explicit MergeTable(std::size_t num_merges = 0)
      : shift_(64 - std::countr_zero(std::bit_ceil(num_merges * 2 + 2))),
        slots_(std::bit_ceil(num_merges * 2 + 2), Merge{-1, -1, kNever, -1}) {}

  // At most as many pairs as the constructor was told; the same pair again takes the new rank.
  void set(const Merge& merge) { slots_[probe(merge.left, merge.right)] = merge; }

  // The merge of two neighbours; its rank is kNever where they do not merge.
  const Merge& find(std::int32_t left, std::int32_t right) const { return slots_[probe(left, right)]; }

 private:
  std::size_t probe(std::int32_t left, std::int32_t right) const {
    const std::uint64_t key = static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
                              static_cast<std::uint32_t>(right);
    // Fibonacci hashing after a fold: the product's high bits depend on all bits of the key.
    std::size_t at = ((key ^ (key >> 29)) * 0x9e3779b97f4a7c15u) >> shift_;
    const std::size_t mask = slots_.size() - 1;
    while (slots_[at].rank != kNever && (slots_[at].left != left || slots_[at].right != right))
      at = (at + 1) & mask;
    return at;
  }

  int shift_;
  std::vector<Merge> slots_;
};

}  // namespace caravan::data
