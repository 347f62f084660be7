// GPT-2's alphabet: the 256 bytes as printable characters, which is how byte-level tokenizer files write
// tokens.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace caravan::data {

// The character that stands for a byte, in UTF-8.
std::string_view byte_to_alphabet(std::uint8_t byte);

// The bytes that a token of such characters stands for; nothing where a character is outside the alphabet.
std::optional<std::string> alphabet_to_bytes(std::string_view token);

}  // namespace caravan::data
