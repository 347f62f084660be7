#include "data/tokenizers/tokenizer.h"

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

}  // namespace caravan::data
