// Random order without a generator: every document has a key that depends on the seed, the epoch and the
// document alone.
//
// Hence: the order is a pure function, two runs agree whatever their history, and adding a source or a row
// leaves the order among the others as it was.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace caravan::data {

// A bijection on 64-bit numbers that leaves no visible trace of its input (the finalizer of splitmix64).
constexpr std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}
constexpr std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  return mix(mix(a) ^ b);
}

// Makes equal keys differ: the n-th occurrence of a key gets a number of its own, so that copies do not stand
// side by side.
void number_copies(std::vector<std::uint64_t>& keys);

// Indices of `keys` by mix(salt, key), ties by index.
std::vector<std::uint32_t> shuffled(std::span<const std::uint64_t> keys, std::uint64_t salt);

// The `count` indices that come first in that order, ascending. count <= keys.size().
std::vector<std::uint32_t> pick(std::span<const std::uint64_t> keys, std::uint64_t salt, std::size_t count);

}  // namespace caravan::data
