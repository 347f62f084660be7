// A byte-level tokenizer.json small enough to work out its ids by hand.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "data/tokenizers/byte_alphabet.h"

namespace caravan::tests {

// A byte is its own id; 256 = "th", 257 = "the", 258 = " the"; specials 300 = <|end|>, 301 = <|user|>; the
// Llama 3 pattern.
inline nlohmann::ordered_json small_byte_level() {
  nlohmann::ordered_json vocab;
  for (int byte = 0; byte < 256; ++byte) {
    vocab[std::string(data::byte_to_alphabet(static_cast<std::uint8_t>(byte)))] = byte;
  }
  vocab["th"] = 256;
  vocab["the"] = 257;
  vocab["\xc4\xa0the"] = 258;
  const auto special = [](int id, const char* content) {
    return nlohmann::ordered_json{{"id", id}, {"content", content}, {"special", true}, {"normalized", false}};
  };
  const char* const pattern =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  return {
      {"added_tokens", {special(300, "<|end|>"), special(301, "<|user|>")}},
      {"normalizer", nullptr},
      {"pre_tokenizer",
       {{"type", "Sequence"},
        {"pretokenizers",
         {{{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}},
          {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}}}}},
      {"decoder", {{"type", "ByteLevel"}}},
      {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", {"t h", "th e", "\xc4\xa0 the"}}}},
  };
}

}  // namespace caravan::tests
