// Seeds and choices as pure functions of what they belong to, never of order or time.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

namespace caravan::data {

// 64 bits of SHA-256 over the seed and the parts, each with its length.
std::uint64_t request_seed(std::uint64_t seed, std::initializer_list<std::string_view> parts);

// How often each of `num_rows` rows is used so that there are `total` uses: equally often, and the rows that
// are used once more are those a hash of seed and name picks.
std::vector<std::uint32_t> spread_uses(std::uint64_t total, std::size_t num_rows, std::uint64_t seed,
                                       std::string_view name);

// The numbers 0 to count - 1 in an order that the seed decides.
std::vector<std::size_t> shuffled_order(std::size_t count, std::uint64_t seed);

}  // namespace caravan::data
