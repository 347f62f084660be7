// The permutations of numpy, bit for bit, so that mixes of the reference can be made again.
//
// Non-goals: any other distribution; our own draws are hashes (data/loader/order.h).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace caravan::data {

// numpy.random.RandomState(seed): MT19937 with the seeding of 1998.
class LegacyRandom {
 public:
  explicit LegacyRandom(std::uint32_t seed);
  std::uint32_t next();
  // RandomState.permutation(n); choice(n, k, replace=False) is its first k.
  std::vector<std::uint32_t> permutation(std::uint32_t n);

 private:
  void twist();

  static constexpr std::size_t kWords = 624;
  std::array<std::uint32_t, kWords> state_;
  std::size_t at_ = kWords;
};

// numpy.random.default_rng(seed): PCG64 seeded through SeedSequence.
class GeneratorRandom {
 public:
  explicit GeneratorRandom(std::uint64_t seed);
  std::uint32_t next();
  // Generator.permutation(n), which datasets' shuffle(seed) applies.
  std::vector<std::uint32_t> permutation(std::uint32_t n);

 private:
  std::uint64_t next_64();

  __extension__ using Wide = unsigned __int128;
  Wide state_ = 0, increment_ = 0;
  std::uint32_t spare_ = 0;  // the upper half of a draw of 64 bits
  bool has_spare_ = false;
};

}  // namespace caravan::data
