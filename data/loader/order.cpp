#include "data/loader/order.h"

#include <algorithm>
#include <numeric>

namespace caravan::data {
namespace {

struct Drawn {
  std::uint64_t key;
  std::uint32_t index;
  bool operator<(const Drawn& other) const {
    return key != other.key ? key < other.key : index < other.index;
  }
};

std::vector<Drawn> draw(std::span<const std::uint64_t> keys, std::uint64_t salt) {
  std::vector<Drawn> drawn(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i)
    drawn[i] = {mix(salt, keys[i]), static_cast<std::uint32_t>(i)};
  return drawn;
}

std::vector<std::uint32_t> indices_of(std::span<const Drawn> drawn) {
  std::vector<std::uint32_t> indices(drawn.size());
  std::transform(drawn.begin(), drawn.end(), indices.begin(), [](const Drawn& one) { return one.index; });
  return indices;
}

}  // namespace

void number_copies(std::vector<std::uint64_t>& keys) {
  // Sorted indices cost 4 bytes a key where a table costs 50.
  std::vector<std::uint32_t> order(keys.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&keys](std::uint32_t a, std::uint32_t b) {
    return keys[a] != keys[b] ? keys[a] < keys[b] : a < b;
  });
  for (std::size_t i = 0; i < order.size();) {
    const std::uint64_t key = keys[order[i]];
    for (std::uint64_t copy = 0; i < order.size() && keys[order[i]] == key; ++i, ++copy) {
      if (copy > 0) keys[order[i]] = mix(key, copy);
    }
  }
}

std::vector<std::uint32_t> shuffled(std::span<const std::uint64_t> keys, std::uint64_t salt) {
  std::vector<Drawn> drawn = draw(keys, salt);
  std::sort(drawn.begin(), drawn.end());
  return indices_of(drawn);
}

std::vector<std::uint32_t> pick(std::span<const std::uint64_t> keys, std::uint64_t salt, std::size_t count) {
  std::vector<Drawn> drawn = draw(keys, salt);
  std::nth_element(drawn.begin(), drawn.begin() + static_cast<std::ptrdiff_t>(count), drawn.end());
  std::vector<std::uint32_t> indices = indices_of({drawn.data(), count});
  std::sort(indices.begin(), indices.end());
  return indices;
}

}  // namespace caravan::data
