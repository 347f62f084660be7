// SHA-256 (FIPS 180-4), fed in pieces: names the content of files in caches, manifests and fingerprints.
// Uses the processor's SHA instructions where cpuid reports them; the portable path gives the same bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace caravan::data {

// Not thread safe; one object per stream. Never throws.
class Sha256 {
 public:
  using Digest = std::array<std::uint8_t, 32>;

  Sha256() noexcept { reset(); }
  void reset() noexcept;
  Sha256& update(const void* bytes, std::size_t num_bytes) noexcept;
  Sha256& update(std::string_view bytes) noexcept { return update(bytes.data(), bytes.size()); }
  // Ends the stream: call reset() before the object is used again.
  Digest digest() noexcept;
  std::string hex() { return to_hex(digest()); }

  static std::string to_hex(const Digest& digest);
  static bool has_instructions() noexcept;
  // For tests: the portable path of this object even where instructions exist.
  void use_portable() noexcept { instructions_ = false; }

 private:
  void compress(const std::uint8_t* blocks, std::size_t num_blocks) noexcept;

  std::array<std::uint32_t, 8> state_;
  std::array<std::uint8_t, 64> buffer_;
  std::uint64_t total_bytes_ = 0;
  std::size_t buffered_ = 0;
  bool instructions_ = has_instructions();
};

// Hex digest of one text; of one file (throws data::Error kInputOutput where it cannot be read).
std::string sha256_hex(std::string_view bytes);
std::string sha256_file_hex(const std::string& path);

}  // namespace caravan::data
