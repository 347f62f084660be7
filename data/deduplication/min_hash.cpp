#include "data/deduplication/min_hash.h"

#include <immintrin.h>
#include <xxhash.h>

#include <bit>
#include <cmath>

namespace caravan::data {
namespace {

constexpr double kMissesAtThreshold = 1.0 / 2000;

std::uint64_t next_random(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  std::uint64_t x = state;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

double miss(double likeness, std::size_t rows) {
  const double bands = std::floor(static_cast<double>(MinHash::kNumMinima) / static_cast<double>(rows));
  return std::pow(1.0 - std::pow(likeness, static_cast<double>(rows)), bands);
}

// The minima of 64 of the 128 orders of the elements: eight registers, kept through the whole set.
void find_minima(std::span<const std::uint64_t> shingles, const std::uint32_t* flips,
                 const std::uint32_t* factors, std::uint32_t* minima) {
  const auto load = [](const std::uint32_t* p, int i) {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(p) + i);
  };
  __m256i least[8];
  for (__m256i& lanes : least) lanes = _mm256_set1_epi32(-1);
  for (const std::uint64_t shingle : shingles) {
    const __m256i element = _mm256_set1_epi32(static_cast<int>(shingle >> 32));
    for (int i = 0; i < 8; ++i) {
      const __m256i rank = _mm256_mullo_epi32(_mm256_xor_si256(element, load(flips, i)), load(factors, i));
      least[i] = _mm256_min_epu32(least[i], rank);
    }
  }
  for (int i = 0; i < 8; ++i) _mm256_store_si256(reinterpret_cast<__m256i*>(minima) + i, least[i]);
}

}  // namespace

MinHash::MinHash(double threshold) : rows_per_band_(1) {
  while (rows_per_band_ < 16 && miss(threshold, rows_per_band_ + 1) <= kMissesAtThreshold) ++rows_per_band_;
  num_bands_ = kNumMinima / rows_per_band_;
  // Bits agree where the minima do, and by chance one time in sixteen. The count is binomial; what lies this
  // many deviations below its mean does not happen.
  constexpr double kDeviations = 4.5;
  const double agree = threshold + (1.0 - threshold) / 16;
  min_agreeing_ = static_cast<int>(
      std::floor(kNumMinima * agree - kDeviations * std::sqrt(kNumMinima * agree * (1.0 - agree))));
  std::uint64_t state = 1;
  for (std::size_t i = 0; i < kNumMinima; ++i) {
    const std::uint64_t random = next_random(state);
    flips_[i] = static_cast<std::uint32_t>(random);
    factors_[i] = static_cast<std::uint32_t>(random >> 32) | 1;
  }
}

double MinHash::miss_probability(double likeness) const {
  return miss(likeness, rows_per_band_);
}

void MinHash::sketch(std::span<const std::uint64_t> shingles, std::span<std::uint64_t> keys,
                     MinHashBits& bits) const {
  alignas(32) std::uint32_t minima[kNumMinima];
  find_minima(shingles, flips_, factors_, minima);
  find_minima(shingles, flips_ + 64, factors_ + 64, minima + 64);
  for (std::size_t band = 0; band < num_bands_; ++band) {
    keys[band] =
        XXH3_64bits_withSeed(minima + band * rows_per_band_, rows_per_band_ * sizeof(std::uint32_t), band);
  }
  // The low bits: the high ones of a minimum are mostly zero.
  for (std::size_t i = 0; i < bits.size(); ++i) {
    bits[i] = 0;
    for (std::size_t k = 0; k < 16; ++k)
      bits[i] |= static_cast<std::uint64_t>(minima[i * 16 + k] * 0x9e3779b1u >> 28) << (4 * k);
  }
}

bool MinHash::may_reach(const MinHashBits& a, const MinHashBits& b) const {
  constexpr std::uint64_t kOnes = 0x1111111111111111;
  int differing = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::uint64_t other = a[i] ^ b[i];
    other |= other >> 2;
    other |= other >> 1;
    differing += std::popcount(other & kOnes);
  }
  return static_cast<int>(kNumMinima) - differing >= min_agreeing_;
}

}  // namespace caravan::data
