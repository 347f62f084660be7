#include "models/weights/content_hash.h"

#include <xxhash.h>

#include <array>
#include <cstdio>

namespace caravan::models {

std::string content_hash(std::span<const std::byte> content) {
  const XXH128_hash_t hash = XXH3_128bits(content.data(), content.size());
  std::array<char, 33> text{};
  std::snprintf(text.data(), text.size(), "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return text.data();
}

}  // namespace caravan::models
