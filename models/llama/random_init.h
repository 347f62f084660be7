// Random weights that depend on nothing but the seed, the parameter's name and the element's index: the same
// on any number of ranks, threads and machines.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

namespace caravan::models {

// [count] fp32 on the CPU, normal with mean 0 and the given standard deviation (Box-Muller over a
// counter-based generator).
at::Tensor normal_values(std::uint64_t seed, const std::string& name, std::int64_t count, double deviation);

// splitmix64 of a key and a counter: 64 well-mixed bits.
inline std::uint64_t mix_bits(std::uint64_t key, std::uint64_t counter) {
  std::uint64_t z = key + (counter + 1) * 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

}  // namespace caravan::models
