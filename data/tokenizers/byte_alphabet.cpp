#include "data/tokenizers/byte_alphabet.h"

#include <array>

#include "data/tokenizers/unicode.h"

namespace caravan::data {
namespace {

// Printable Latin-1 stands for itself; the other bytes take U+0100, U+0101, ... in order.
struct Alphabet {
  std::array<std::string, 256> characters;
  std::array<std::int16_t, 0x180> bytes;

  Alphabet() {
    bytes.fill(-1);
    char32_t next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
      const bool printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte != 0xad);
      const char32_t character = printable ? byte : next++;
      append_utf8(character, characters[byte]);
      bytes[character] = static_cast<std::int16_t>(byte);
    }
  }
};

const Alphabet& alphabet() {
  static const Alphabet instance;
  return instance;
}

}  // namespace

std::string_view byte_to_alphabet(std::uint8_t byte) {
  return alphabet().characters[byte];
}

std::optional<std::string> alphabet_to_bytes(std::string_view token) {
  std::string bytes;
  bytes.reserve(token.size());
  for (std::size_t i = 0; i < token.size();) {
    const DecodedChar c = decode_valid(token.data() + i);
    if (c.value >= alphabet().bytes.size() || alphabet().bytes[c.value] < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(alphabet().bytes[c.value]));
    i += c.num_bytes;
  }
  return bytes;
}

}  // namespace caravan::data
