// Ranks as tiktoken writes them: one line per token, its bytes in base64 and its rank. Llama 3's
// tokenizer.model is one.
//
// Such a file names neither the split pattern nor the special tokens; they are taken to be Llama 3.1's: its
// pattern, and 256 specials after the last rank.
#pragma once

#include <string>
#include <string_view>

#include "data/tokenizers/bpe_tokenizer.h"

namespace caravan::data {

// Whether the first line looks like a rank.
bool looks_like_tiktoken(std::string_view text);

// Throws Error (kData) with file:line. The fingerprint is left to the caller.
BpeParts read_tiktoken(std::string_view text, const std::string& path);

}  // namespace caravan::data
