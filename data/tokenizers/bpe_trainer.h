// Learns a byte-level BPE vocabulary from text and writes it as tokenizer.json, which Hugging Face tokenizers
// reads too.
//
// Goals: any bytes can be encoded; the same texts give the same file on every machine (ties go to the smaller
// ids); merges are chosen by a heap, in time near linear in the number of different pieces. Non-goals:
// unigram or WordPiece models, training on texts larger than memory holds different pieces of.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "data/message.h"

namespace caravan::data {

struct BpeTrainerOptions {
  std::size_t vocab_size =
      1024;  // special tokens and the 256 bytes included: a bound, short texts give fewer
  std::uint64_t min_frequency = 2;  // a pair that is met less often is not merged
  std::vector<std::string>
      special_tokens;  // take the first ids, in this order; their text is not learned from
  // Pieces within which tokens are learned: words with the character before them, single digits, runs of
  // punctuation, of spaces.
  std::string split_pattern =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
};

// Merges and the vocabulary they make. Ids: special tokens, then bytes in order of value, then merges in
// order of learning.
struct BpeVocabulary {
  std::vector<std::string> special_tokens;
  std::string split_pattern;
  std::vector<std::string> tokens;  // bytes of every token by id
  std::vector<std::pair<std::uint32_t, std::uint32_t>> merges;

  // The content of tokenizer.json.
  Json to_json() const;
};

class BpeTrainer {
 public:
  // Throws data::Error (usage) where the pattern is none, or the vocabulary cannot even hold bytes and
  // special tokens.
  explicit BpeTrainer(BpeTrainerOptions options);
  ~BpeTrainer();
  BpeTrainer(const BpeTrainer&) = delete;
  BpeTrainer& operator=(const BpeTrainer&) = delete;

  // Counts the pieces of a UTF-8 text. Throws data::Error (data) with the byte offset where it is none.
  void add(std::string_view text);
  // Learns from everything added so far.
  BpeVocabulary train() const;

 private:
  struct Splitter;
  BpeTrainerOptions options_;
  std::unique_ptr<Splitter> splitter_;
  std::unordered_map<std::string, std::uint64_t> pieces_;
};

}  // namespace caravan::data
