// How tokens become text again: the decoder chain of tokenizer.json, worked out once per token.
//
// Every chain in use says the same for a token wherever it stands, but for the start of the text; so decoding
// is a table of bytes, and a rule for the start. Chains for which that is not true are refused when the file
// is read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/tokenizers/tokenizer.h"
#include "data/tokenizers/vocabulary.h"

namespace caravan::data {

struct DecodeStep {
  enum class Kind { kByteLevel, kByteFallback, kFuse, kReplace, kStrip, kMetaspace };
  Kind kind;
  std::string pattern;             // kReplace: what is replaced; kStrip: the character; kMetaspace: the mark
  std::string content;             // kReplace
  std::size_t strip_start = 0;     // kStrip, characters
  bool drops_first_marks = false;  // kMetaspace
};

class Decoding {
 public:
  // `chain` empty: tokens are joined by spaces, as Hugging Face does where the file names no decoder.
  // Ids in `verbatim` are written as their names stand.
  Decoding(const std::vector<DecodeStep>& chain, const Vocabulary& names,
           const std::vector<std::int32_t>& verbatim);

  void append(std::int32_t id, DecodeState& state, std::string& bytes) const;
  std::string_view bytes(std::int32_t id) const { return table_.bytes(id); }
  Replacement replacement() const { return replacement_; }

 private:
  std::string decode_token(const std::vector<DecodeStep>& chain, std::string_view name) const;

  Vocabulary table_;
  std::vector<bool> verbatim_;  // by id
  std::string separator_;
  std::string first_mark_;          // dropped from the first token; empty: nothing is
  std::string stripped_character_;  // one byte
  std::size_t strip_start_ = 0;
  Replacement replacement_ = Replacement::kPerPart;
};

}  // namespace caravan::data
