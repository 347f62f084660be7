// What holds of every tokenizer that could be read.
#pragma once

#include "data/tokenizers/tokenizer.h"
#include "tests/fuzz/fuzz_input.h"

namespace caravan::fuzz {

inline void check_tokenizer(const data::Tokenizer& tokenizer) {
  constexpr std::string_view kText = "Hello  world 123\n\xc3\xa9\xed\x95\x9c\xf0\x9f\x98\x80 <s></s>";
  const data::ByteRange all{0, kText.size()};
  std::vector<std::int32_t> ids;
  std::vector<std::uint32_t> begins;
  tokenizer.encode(kText, {&all, 1}, ids, &begins);
  require(ids.size() == begins.size(), "every id has a place");
  for (std::size_t i = 0; i < ids.size(); ++i) {
    require(ids[i] >= 0 && ids[i] < tokenizer.vocab_size(), "ids are of the vocabulary");
    require(begins[i] <= kText.size() && (i == 0 || begins[i - 1] <= begins[i]), "places ascend");
  }
  tokenizer.decode(ids);
  tokenizer.decode(ids, true);
}

}  // namespace caravan::fuzz
