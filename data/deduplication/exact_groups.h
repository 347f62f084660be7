// The first row of each key.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "data/sha256.h"

namespace caravan::data {

// 52 to 68 bytes per different key. Not thread safe: rows are entered in order.
class ExactGroups {
 public:
  // Enters the next row; returns the first row with this key, itself where it is new.
  std::uint32_t add(const Sha256::Digest& key) {
    if (keys_.size() * 2 >= slots_.size()) grow();
    std::size_t at = place_of(key);
    while (slots_[at].number != kFree &&
           (slots_[at].tag != tag_of(key) || keys_[slots_[at].number].digest != key))
      at = (at + 1) & (slots_.size() - 1);
    if (slots_[at].number == kFree) {
      slots_[at] = {tag_of(key), static_cast<std::uint32_t>(keys_.size())};
      keys_.push_back({key, static_cast<std::uint32_t>(first_.size())});
    }
    first_.push_back(keys_[slots_[at].number].first_row);
    return first_.back();
  }
  // Told of keys some rows ahead, `add` does not wait for memory.
  void prefetch(const Sha256::Digest& key) const { __builtin_prefetch(&slots_[place_of(key)]); }
  // Enters the next row as one that equals no other.
  void add_alone() { first_.push_back(static_cast<std::uint32_t>(first_.size())); }
  // Per row.
  const std::vector<std::uint32_t>& first() const { return first_; }
  std::size_t num_keys() const { return keys_.size(); }

 private:
  static constexpr std::uint32_t kFree = UINT32_MAX;
  struct Key {
    Sha256::Digest digest;
    std::uint32_t first_row;
  };
  // The tag spares most looks at the keys, which lie far apart in memory.
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t number = kFree;  // of the key
  };

  std::size_t place_of(const Sha256::Digest& key) const {
    std::size_t head;
    std::memcpy(&head, key.data(), sizeof head);
    return head & (slots_.size() - 1);
  }
  static std::uint32_t tag_of(const Sha256::Digest& key) {
    std::uint32_t tag;
    std::memcpy(&tag, key.data() + sizeof(std::size_t), sizeof tag);
    return tag;
  }
  void grow() {
    slots_.assign(slots_.size() * 2, {});
    for (std::uint32_t number = 0; number < keys_.size(); ++number) {
      std::size_t at = place_of(keys_[number].digest);
      while (slots_[at].number != kFree) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = {tag_of(keys_[number].digest), number};
    }
  }

  std::vector<Slot> slots_ = std::vector<Slot>(1024);
  std::vector<Key> keys_;
  std::vector<std::uint32_t> first_;
};

}  // namespace caravan::data
