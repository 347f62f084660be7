#include "models/weights/finite.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace caravan::models {

namespace {

// An IEEE number is NaN or infinite exactly where all bits of its exponent are set.
template <typename Bits>
std::optional<std::size_t> find_exponent(std::span<const std::byte> content, Bits exponent) {
  constexpr std::size_t kBlock = 4096;
  const std::size_t count = content.size() / sizeof(Bits);
  Bits block[kBlock];
  for (std::size_t begin = 0; begin < count; begin += kBlock) {
    const std::size_t length = std::min(kBlock, count - begin);
    // Copied because the bytes may lie at any address; the block stays in the first-level cache.
    std::memcpy(block, content.data() + begin * sizeof(Bits), length * sizeof(Bits));
    Bits found = 0;
    for (std::size_t i = 0; i < length; ++i) {
      found = static_cast<Bits>(found | static_cast<Bits>((block[i] & exponent) == exponent));
    }
    if (found == 0) continue;
    for (std::size_t i = 0; i < length; ++i) {
      if ((block[i] & exponent) == exponent) return begin + i;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::size_t> first_non_finite(std::span<const std::byte> content, Dtype dtype) {
  switch (dtype) {
    case Dtype::kFloat64:
      return find_exponent<std::uint64_t>(content, 0x7FF0000000000000U);
    case Dtype::kFloat32:
      return find_exponent<std::uint32_t>(content, 0x7F800000U);
    case Dtype::kFloat16:
      return find_exponent<std::uint16_t>(content, 0x7C00U);
    case Dtype::kBFloat16:
      return find_exponent<std::uint16_t>(content, 0x7F80U);
    default:
      return std::nullopt;
  }
}

}  // namespace caravan::models
