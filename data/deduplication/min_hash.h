// MinHash with bands: sets that are alike fall into a common band with a probability that is known.
//
// 128 minima are cut into bands of `rows_per_band`; two sets of Jaccard j share at least one band with
// probability 1 - (1 - j^rows)^bands. The rows are chosen so that a pair right at the threshold is missed
// less than once in two thousand. Four bits of each minimum are kept too: how many of them agree tells most
// chance meetings in a band from pairs worth an exact comparison. A function of the set alone: no seed, no
// order, no threads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace caravan::data {

// Four bits of each of 128 minima.
using MinHashBits = std::array<std::uint64_t, 8>;

class MinHash {
 public:
  static constexpr std::size_t kNumMinima = 128;

  explicit MinHash(double threshold);
  std::size_t num_bands() const { return num_bands_; }
  std::size_t rows_per_band() const { return rows_per_band_; }
  // Probability that a pair of Jaccard `likeness` shares no band.
  double miss_probability(double likeness) const;
  // Writes one key per band. `shingles` is not empty; what it repeats does not matter.
  void sketch(std::span<const std::uint64_t> shingles, std::span<std::uint64_t> keys,
              MinHashBits& bits) const;
  // False for a pair that is below the threshold but for one chance in two hundred thousand.
  bool may_reach(const MinHashBits& a, const MinHashBits& b) const;

 private:
  std::size_t rows_per_band_;
  std::size_t num_bands_;
  int min_agreeing_;  // minima whose bits agree
  alignas(32) std::uint32_t flips_[kNumMinima];
  alignas(32) std::uint32_t factors_[kNumMinima];
};

}  // namespace caravan::data
