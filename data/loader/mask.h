// Byte spans to token masks, and the proof that they agree. Private to the loader.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "data/loader/tokenize.h"

namespace caravan::data {

// trained[i] = 1 where token i overlaps a span. `begins`: first byte of each token, ascending; tokens with
// the same begin share the bytes up to the next one. Returns the number of tokens that lie only partly
// inside.
std::uint32_t mask_tokens(std::span<const std::uint32_t> begins, std::size_t text_bytes,
                          std::span<const ByteRange> spans, std::vector<std::uint8_t>& trained);

enum class Proof {
  kExact,     // the tokens' texts make up the text, and the trained ones cover the spans to the byte
  kAltered,   // the tokenizer changes this text (normalization): only the offsets speak for the mask
  kMismatch,  // the tokens' texts say another mask than the offsets
};

// Compares the tokens' own texts with the spans, without trust in `begins`. Spaces that a tokenizer puts
// before words of its own accord (SentencePiece's prefix) are allowed and belong to no byte.
Proof prove_mask(std::string_view text, std::span<const std::int32_t> ids, const TokenTexts& texts,
                 std::span<const ByteRange> spans, std::span<const std::uint8_t> trained);

}  // namespace caravan::data
