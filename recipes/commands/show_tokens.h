// Tokens for eyes: each apart from its neighbours, trained ones marked.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <span>

#include "data/tokenizers/tokenizer.h"

namespace caravan::recipes {

// Writes the tokens in turning colours, trained ones underlined and bold; without `color` with bars between
// tokens and trained ones in double brackets. What cannot be seen is spelt out: line ends, tabs and other
// control characters, parts of characters. `mask` is empty or one per id.
void show_tokens(const data::Tokenizer& tokenizer, std::span<const std::int32_t> ids,
                 std::span<const std::uint8_t> mask, bool color, std::ostream& out);

}  // namespace caravan::recipes
