// Runs of three words that point at items: looked up at every position of a text. Private to the weighted
// measure.
//
// A run that no item was entered under may be reported all the same (its hash is another's); who looks closer
// finds out.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace caravan::data {

class RunSeeds {
 public:
  // Enters `item` under the run of the words `a`, `b`, `c`. Before finish().
  void add(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t item) {
    entries_.push_back({key(a, b, c), item});
  }
  void finish();

  // Items entered under the run; thread safe.
  std::span<const std::uint32_t> find(std::uint32_t a, std::uint32_t b, std::uint32_t c) const {
    const std::uint64_t run = key(a, b, c);
    if ((bitmap_[run >> 6 & bitmap_mask_] >> (run & 63) & 1) == 0) return {};
    return look_up(run);
  }

 private:
  struct Entry {
    std::uint64_t key = 0;
    std::uint32_t item = 0;
  };
  struct Slot {
    std::uint64_t key = 0;
    std::uint32_t first = 0, count = 0;  // of items_; 0 items: free
  };
  static std::uint64_t key(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
    std::uint64_t x = (a * 0x9e3779b97f4a7c15u + b) * 0xd6e8feb86659fd93u + c;
    x = (x ^ x >> 32) * 0xbf58476d1ce4e5b9u;
    return x ^ x >> 29;
  }
  std::span<const std::uint32_t> look_up(std::uint64_t run) const;

  std::vector<Entry> entries_;
  std::vector<std::uint32_t> items_;
  std::vector<Slot> slots_;
  std::vector<std::uint64_t> bitmap_ = {0};
  std::uint64_t bitmap_mask_ = 0;
};

}  // namespace caravan::data
