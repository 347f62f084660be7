// Which rows share a band with another row, and with whom: all that the exact comparison has to look at.
//
// Filled row by row in order; memory is 8 bytes per band and row until `find`, and 64 bytes per row. A row
// whose bits are near those of no other row of its bands is no candidate. Rows whose text was there
// before are not entered again: their first row stands for them, so a hundred thousand equal rows cost as
// much as one.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/deduplication/min_hash.h"

namespace caravan::data {

class NearCandidates {
 public:
  // `min_hash` must outlive this.
  explicit NearCandidates(const MinHash& min_hash) : min_hash_(min_hash), num_bands_(min_hash.num_bands()) {}

  // `row` counts up from call to call; `keys` has one key per band.
  void add(std::uint32_t row, std::span<const std::uint64_t> keys, const MinHashBits& bits);
  // Sorts by `num_threads` threads and forgets the keys. The result does not depend on their number.
  void find(std::size_t num_threads);

  // Groups of rows that share a band, and the groups of a row, each at least two rows wide.
  std::size_t num_groups() const { return group_size_.size(); }
  std::uint32_t group_size(std::uint32_t group) const { return group_size_[group]; }
  std::span<const std::uint32_t> groups_of(std::uint32_t row) const;
  bool is_candidate(std::uint32_t row) const { return !groups_of(row).empty(); }
  // Of two candidates: whether they are worth an exact comparison.
  bool may_reach(std::uint32_t a, std::uint32_t b) const {
    return min_hash_.may_reach(bits_[place_of(a)], bits_[place_of(b)]);
  }

 private:
  struct Entry {
    std::uint64_t key;
    std::uint32_t place;
  };
  using Group = std::vector<std::uint32_t>;  // places in rows_
  std::vector<Entry> repeated_keys(std::size_t band) const;
  std::vector<Group> find_in_band(std::size_t band) const;
  void drop_strangers(Group& group) const;
  std::size_t place_of(std::uint32_t row) const;

  const MinHash& min_hash_;
  std::size_t num_bands_;
  std::vector<std::uint32_t> rows_;  // that were entered, rising
  std::vector<std::uint64_t> keys_;  // num_bands_ per entered row
  std::vector<MinHashBits> bits_;    // per entered row
  std::vector<std::uint32_t> group_size_;
  std::vector<std::uint64_t> first_group_;  // per entered row, into groups_
  std::vector<std::uint32_t> groups_;
};

}  // namespace caravan::data
