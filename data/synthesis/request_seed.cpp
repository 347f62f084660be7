#include "data/synthesis/request_seed.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "data/demo/random.h"
#include "data/sha256.h"

namespace caravan::data {

std::uint64_t request_seed(std::uint64_t seed, std::initializer_list<std::string_view> parts) {
  Sha256 hash;
  hash.update(std::to_string(seed));
  for (const std::string_view part : parts)
    hash.update('\n' + std::to_string(part.size()) + ':').update(part);
  const Sha256::Digest digest = hash.digest();
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(value); ++i) value = value << 8 | digest[i];
  return value;
}

std::vector<std::size_t> shuffled_order(std::size_t count, std::uint64_t seed) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {},
                    [seed](std::size_t i) { return std::pair(Random(seed ^ Random(i).next()).next(), i); });
  return order;
}

std::vector<std::uint32_t> spread_uses(std::uint64_t total, std::size_t num_rows, std::uint64_t seed,
                                       std::string_view name) {
  if (num_rows == 0) return {};
  std::vector<std::uint32_t> uses(num_rows, static_cast<std::uint32_t>(total / num_rows));
  const std::vector<std::size_t> order = shuffled_order(num_rows, request_seed(seed, {"uses", name}));
  for (std::size_t i = 0; i < total % num_rows; ++i) ++uses[order[i]];
  return uses;
}

}  // namespace caravan::data
