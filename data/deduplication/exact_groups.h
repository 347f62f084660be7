// The first row of each key.
#pragma once

#include <cstdint>
#include <cstring>
#include <unordered_map>
#include <vector>

#include "data/sha256.h"

namespace caravan::data {

// 40 to 60 bytes per different key. Not thread safe: rows are entered in order.
class ExactGroups {
 public:
  // Enters the next row; returns the first row with this key, itself where it is new.
  std::uint32_t add(const Sha256::Digest& key) {
    const auto row = static_cast<std::uint32_t>(first_.size());
    first_.push_back(seen_.try_emplace(key, row).first->second);
    return first_.back();
  }
  // Enters the next row as one that equals no other.
  void add_alone() { first_.push_back(static_cast<std::uint32_t>(first_.size())); }
  // Per row.
  const std::vector<std::uint32_t>& first() const { return first_; }
  std::size_t num_keys() const { return seen_.size(); }

 private:
  struct Hash {
    std::size_t operator()(const Sha256::Digest& key) const {
      std::size_t head;
      std::memcpy(&head, key.data(), sizeof head);
      return head;
    }
  };
  std::unordered_map<Sha256::Digest, std::uint32_t, Hash> seen_;
  std::vector<std::uint32_t> first_;
};

}  // namespace caravan::data
