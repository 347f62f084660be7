// 128-bit XXH3 of bytes, in hex: tells damage, not malice. Free of LibTorch.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace caravan::models {

std::string content_hash(std::span<const std::byte> content);

}  // namespace caravan::models
