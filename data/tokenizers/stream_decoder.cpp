#include "data/tokenizers/stream_decoder.h"

#include "data/tokenizers/unicode.h"

namespace caravan::data {

std::string StreamDecoder::push(std::int32_t id) {
  std::string text;
  if (id >= tokenizer_.vocab_size() || (skip_special_ && tokenizer_.is_special(id))) return text;
  tokenizer_.append_token(id, state_, held_);
  const std::size_t ready = held_.size() - incomplete_tail(held_);
  append_lossy(std::string_view(held_).substr(0, ready), tokenizer_.replacement(), text);
  held_.erase(0, ready);
  return text;
}

std::string StreamDecoder::finish() {
  std::string text;
  append_lossy(held_, tokenizer_.replacement(), text);
  held_.clear();
  state_ = DecodeState();
  return text;
}

std::string written_text(const Tokenizer& tokenizer, std::span<const std::int32_t> ids) {
  std::vector<std::int32_t> known(ids.begin(), ids.end());
  std::erase_if(known, [&](std::int32_t id) { return id >= tokenizer.vocab_size(); });
  return tokenizer.decode(known, true);
}

}  // namespace caravan::data
