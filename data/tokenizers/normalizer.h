// Normalizers of tokenizer.json: NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Prepend, Replace, and
// sequences of them.
//
// Others (BertNormalizer, Precompiled, Nmt, ByteLevel) are refused by name when the file is read.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/tokenizers/mapped_text.h"
#include "data/tokenizers/regex.h"

namespace caravan::data {

// One step. Thread safe; keeps origins where the text tracks them.
class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual void apply(MappedText& text) const = 0;
};

enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };

std::unique_ptr<Normalizer> make_normal_form(NormalForm form);
std::unique_ptr<Normalizer> make_lowercase();
std::unique_ptr<Normalizer> make_strip_accents();
std::unique_ptr<Normalizer> make_strip(bool left, bool right);
// Nothing is put before an empty text.
std::unique_ptr<Normalizer> make_prepend(std::string prefix);
std::unique_ptr<Normalizer> make_replace(std::string pattern, std::string content);
std::unique_ptr<Normalizer> make_replace(Regex pattern, std::string content);

}  // namespace caravan::data
