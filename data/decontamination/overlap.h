// What two texts have in common, as stretches of bytes: for people to look at.
#pragma once

#include <string_view>
#include <vector>

#include "data/tokenizers/tokenizer.h"

namespace caravan::data {

struct Overlap {
  std::vector<ByteRange> first, second;  // rising, not touching
};

// Runs of three words that both have (of all words, where a text has fewer), under the folding that reads
// through disguises; where there are none, the words that both have.
Overlap find_overlap(std::string_view first, std::string_view second);

}  // namespace caravan::data
