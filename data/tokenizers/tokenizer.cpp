#include "data/tokenizers/tokenizer.h"

#include <cstdio>

#include "data/error.h"
#include "data/tokenizers/unicode.h"

namespace caravan::data {

std::vector<std::int32_t> Tokenizer::encode_plain(std::string_view text) const {
  std::vector<std::int32_t> ids;
  encode(text, {}, ids);
  return ids;
}

std::vector<std::int32_t> Tokenizer::encode_special(std::string_view text) const {
  std::vector<std::int32_t> ids;
  const ByteRange all{0, text.size()};
  encode(text, {&all, 1}, ids);
  return ids;
}

void Tokenizer::append_token(std::int32_t id, DecodeState& state, std::string& bytes) const {
  bytes += token_text(id);
  state.at_start = false;
}

const Framing& Tokenizer::framing() const {
  static const Framing none;
  return none;
}

std::string Tokenizer::decode_by_tokens(std::span<const std::int32_t> ids, bool skip_special) const {
  std::string bytes, text;
  DecodeState state;
  for (const std::int32_t id : ids) {
    if (skip_special && is_special(id)) continue;
    append_token(id, state, bytes);
  }
  append_lossy(bytes, replacement(), text);
  return text;
}

void require_valid_utf8(std::string_view text) {
  const std::size_t at = find_invalid_utf8(text);
  if (at == std::string_view::npos) return;
  char byte[8];
  std::snprintf(byte, sizeof byte, "0x%02X", static_cast<unsigned>(static_cast<unsigned char>(text[at])));
  throw Error(Error::Kind::kData,
              "text to tokenize: byte " + std::to_string(at) + " (" + byte +
                  ") is not valid UTF-8; only UTF-8 can be tokenized: repair or drop the row");
}

}  // namespace caravan::data
