// Which ids a file had before: 8 bytes an id, times at most two and a bit for room. Ids count as equal when
// 64 bits of hash are.
#pragma once

#include <cstdint>
#include <vector>

namespace caravan::data {

class SeenIds {
 public:
  // False where the id was there before.
  bool insert(std::uint64_t hash) {
    if (hash == kFree) hash = 1;
    if ((count_ + 1) * 4 > slots_.size() * 3) grow();
    std::uint64_t& slot = place_of(hash);
    if (slot == hash) return false;
    slot = hash;
    ++count_;
    return true;
  }

 private:
  static constexpr std::uint64_t kFree = 0;

  // The slot that holds the hash, or the free one where it belongs. There is always a free one.
  std::uint64_t& place_of(std::uint64_t hash) {
    const std::uint64_t mask = slots_.size() - 1;
    std::uint64_t at = hash & mask;
    while (slots_[at] != kFree && slots_[at] != hash) at = (at + 1) & mask;
    return slots_[at];
  }

  void grow() {
    std::vector<std::uint64_t> old(slots_.empty() ? 1024 : slots_.size() * 2, kFree);
    old.swap(slots_);
    for (const std::uint64_t hash : old) {
      if (hash != kFree) place_of(hash) = hash;
    }
  }

  std::vector<std::uint64_t> slots_;
  std::size_t count_ = 0;
};

}  // namespace caravan::data
