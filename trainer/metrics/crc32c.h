// CRC-32C (Castagnoli), the checksum of TFRecord files.
#pragma once

#include <cstdint>
#include <string_view>

namespace caravan::trainer {

std::uint32_t crc32c(std::string_view bytes);

// TFRecord stores checksums rotated and shifted, so that a record that contains a checksum does not weaken
// its own.
constexpr std::uint32_t mask_crc32c(std::uint32_t crc) {
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

}  // namespace caravan::trainer
