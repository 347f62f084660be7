#include "data/mixing/numpy_random.h"

#include <bit>
#include <numeric>
#include <utility>

namespace caravan::data {
namespace {

// A walk from the end that changes each place with one before it. A place is drawn as so many bits as it has,
// again until it is not too large.
template <class Random>
std::vector<std::uint32_t> walk_of_changes(std::uint32_t n, Random& random) {
  std::vector<std::uint32_t> numbers(n);
  std::iota(numbers.begin(), numbers.end(), 0u);
  for (std::uint32_t i = n; i-- > 1;) {
    const std::uint32_t mask = 0xffffffffu >> std::countl_zero(i);
    std::uint32_t j = random.next() & mask;
    while (j > i) j = random.next() & mask;
    std::swap(numbers[i], numbers[j]);
  }
  return numbers;
}

// numpy's SeedSequence: a seed of up to 64 bits spread over a pool of four words, and words drawn from it.
class SeedSequence {
 public:
  explicit SeedSequence(std::uint64_t seed) {
    const std::array<std::uint32_t, kPool> entropy{static_cast<std::uint32_t>(seed),
                                                   static_cast<std::uint32_t>(seed >> 32), 0, 0};
    for (std::size_t i = 0; i < kPool; ++i) pool_[i] = hash(entropy[i]);
    for (std::size_t from = 0; from < kPool; ++from) {
      for (std::size_t to = 0; to < kPool; ++to) {
        if (from != to) pool_[to] = combine(pool_[to], hash(pool_[from]));
      }
    }
  }

  // The first words of generate_state(n, uint64), the low half first.
  std::array<std::uint64_t, 4> words() const {
    std::array<std::uint64_t, 4> drawn{};
    std::uint32_t constant = 0x8b51f9dd;
    for (std::size_t i = 0; i < 8; ++i) {
      std::uint32_t value = pool_[i % kPool] ^ constant;
      constant *= 0x58f38dedu;
      value *= constant;
      value ^= value >> 16;
      drawn[i / 2] |= static_cast<std::uint64_t>(value) << (32 * (i % 2));
    }
    return drawn;
  }

 private:
  static constexpr std::size_t kPool = 4;

  std::uint32_t hash(std::uint32_t value) {
    value ^= constant_;
    constant_ *= 0x931e8875u;
    value *= constant_;
    return value ^ (value >> 16);
  }
  static std::uint32_t combine(std::uint32_t x, std::uint32_t y) {
    const std::uint32_t mixed = 0xca01f9ddu * x - 0x4973f715u * y;
    return mixed ^ (mixed >> 16);
  }

  std::array<std::uint32_t, kPool> pool_{};
  std::uint32_t constant_ = 0x43b0d7e5;
};

}  // namespace

LegacyRandom::LegacyRandom(std::uint32_t seed) {
  state_[0] = seed;
  for (std::size_t i = 1; i < kWords; ++i) {
    state_[i] = 1812433253u * (state_[i - 1] ^ (state_[i - 1] >> 30)) + static_cast<std::uint32_t>(i);
  }
}

void LegacyRandom::twist() {
  constexpr std::size_t kShift = 397;
  for (std::size_t i = 0; i < kWords; ++i) {
    const std::uint32_t joined = (state_[i] & 0x80000000u) | (state_[(i + 1) % kWords] & 0x7fffffffu);
    state_[i] = state_[(i + kShift) % kWords] ^ (joined >> 1) ^ ((joined & 1u) ? 0x9908b0dfu : 0u);
  }
  at_ = 0;
}

std::uint32_t LegacyRandom::next() {
  if (at_ == kWords) twist();
  std::uint32_t word = state_[at_++];
  word ^= word >> 11;
  word ^= (word << 7) & 0x9d2c5680u;
  word ^= (word << 15) & 0xefc60000u;
  return word ^ (word >> 18);
}

std::vector<std::uint32_t> LegacyRandom::permutation(std::uint32_t n) {
  return walk_of_changes(n, *this);
}

GeneratorRandom::GeneratorRandom(std::uint64_t seed) {
  const std::array<std::uint64_t, 4> words = SeedSequence(seed).words();
  const Wide start = (static_cast<Wide>(words[0]) << 64) | words[1];
  const Wide stream = (static_cast<Wide>(words[2]) << 64) | words[3];
  increment_ = (stream << 1) | 1u;
  next_64();
  state_ += start;
  next_64();
}

std::uint64_t GeneratorRandom::next_64() {
  const Wide multiplier = (static_cast<Wide>(2549297995355413924ull) << 64) | 4865540595714422341ull;
  state_ = state_ * multiplier + increment_;
  const auto folded = static_cast<std::uint64_t>(state_ >> 64) ^ static_cast<std::uint64_t>(state_);
  return std::rotr(folded, static_cast<int>(static_cast<std::uint64_t>(state_ >> 122)));
}

std::uint32_t GeneratorRandom::next() {
  if (std::exchange(has_spare_, false)) return spare_;
  const std::uint64_t word = next_64();
  spare_ = static_cast<std::uint32_t>(word >> 32);
  has_spare_ = true;
  return static_cast<std::uint32_t>(word);
}

std::vector<std::uint32_t> GeneratorRandom::permutation(std::uint32_t n) {
  return walk_of_changes(n, *this);
}

}  // namespace caravan::data
