// Hugging Face's tokenizer.json, read into the parts of a BpeTokenizer.
//
// Goals: every component that Llama-style checkpoints use; anything else is refused by its name and place,
// never skipped. `truncation` and `padding` are left aside: they belong to the caller of the reference
// library, not to the text's ids. Non-goals: Unigram, WordPiece and WordLevel models; BPE dropout; writing
// such files.
#pragma once

#include <string>
#include <vector>

#include "data/tokenizers/bpe_tokenizer.h"
#include "data/tokenizers/json_place.h"

namespace caravan::data {

// Throws Error (kData). The fingerprint is left to the caller.
BpeParts read_tokenizer_json(const JsonPlace& root);

// An object of token to id. Throws Error (kData) where an id or a token stands twice or an id is out of
// range.
void read_vocabulary(const JsonPlace& place, Vocabulary& names);
// One added token, as in tokenizer.json ("added_tokens") and tokenizer_config.json ("added_tokens_decoder").
AddedToken read_added_token(const JsonPlace& place, std::int64_t id);

// The parts that components.cpp reads.
std::vector<std::unique_ptr<Normalizer>> read_normalizers(const JsonPlace& place);
// `byte_level` is set where the words are bytes for the model.
std::vector<std::unique_ptr<PreTokenizer>> read_pre_tokenizers(const JsonPlace& place, bool& byte_level);
std::vector<DecodeStep> read_decoder(const JsonPlace& place);
Framing read_post_processor(const JsonPlace& place);

}  // namespace caravan::data
