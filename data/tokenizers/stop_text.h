// Texts that end a text: seen as ids arrive, and cut off afterwards.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/tokenizers/stream_decoder.h"

namespace caravan::data {

// Watches one text for the first of some stop texts. Time and memory for an id depend on the stop texts
// alone, not on the length of the text. For one thread; the tokenizer must outlive it.
class StopText {
 public:
  // Special tokens are no text, so a stop text that is one is never seen: that is a stop id. Throws Error
  // (usage) for an empty stop text.
  StopText(const Tokenizer& tokenizer, std::vector<std::string> stops);

  // True as soon as the text of all ids so far holds a stop text, which may begin and end inside of tokens.
  bool push(std::int32_t id);

 private:
  StreamDecoder decoder_;
  std::vector<std::string> stops_;
  std::size_t longest_ = 0;
  std::string tail_;  // what a stop text may have begun in
  bool seen_ = false;
};

// A push() of a StopText of its own for each text that is begun; empty without stop texts, and throws as
// StopText does.
std::function<std::function<bool(std::int32_t id)>()> stop_checks(const Tokenizer& tokenizer,
                                                                  std::vector<std::string> stops);

// The text before the stop text that ends first in it, or with it where it is kept: what is left where ids
// that StopText ended are decoded. The whole text where it holds none.
std::string cut_at_stop(std::string text, std::span<const std::string> stops, bool keep);

}  // namespace caravan::data
