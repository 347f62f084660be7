// GPT-2's pair of files: a vocabulary (vocab.json, encoder.json) and its merges (merges.txt, vocab.bpe).
//
// The pair names neither split pattern nor special tokens: GPT-2's are taken, <|endoftext|> included where
// the vocabulary has it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "data/tokenizers/bpe_tokenizer.h"
#include "data/tokenizers/json_place.h"

namespace caravan::data {

// The path of the merges that go with a vocabulary file (tiny_vocab.json: tiny_merges.txt); nothing where
// none is there.
std::optional<std::string> find_merges_file(const std::string& vocabulary_path);

// Throws Error (kData). The fingerprint is left to the caller.
BpeParts read_gpt2_files(const JsonPlace& vocabulary, std::string_view merges,
                         const std::string& merges_path);

}  // namespace caravan::data
