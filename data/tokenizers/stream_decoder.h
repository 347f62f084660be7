// Text of ids as they arrive, for a terminal or a server: whole characters only.
//
// All pieces that push() and finish() return, put together, equal decode() of all ids. Models' vocabularies
// are often padded to a round number: an id beyond the tokenizer's has no text.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "data/tokenizers/tokenizer.h"

namespace caravan::data {

// For one text and one thread; the tokenizer must outlive it.
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer, bool skip_special = false)
      : tokenizer_(tokenizer), skip_special_(skip_special) {}

  // The text that `id` completes; at most 3 bytes of an unfinished character are held back.
  // Throws Error (kData) for an id within the vocabulary that has no token; the decoder may be used further.
  std::string push(std::int32_t id);
  // What was held back, as U+FFFD. The next push() starts a new text.
  std::string finish();

 private:
  const Tokenizer& tokenizer_;
  bool skip_special_;
  DecodeState state_;
  std::string held_;
};

// The text of all ids that a model wrote, specials left out.
std::string written_text(const Tokenizer& tokenizer, std::span<const std::int32_t> ids);

}  // namespace caravan::data
