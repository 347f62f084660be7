// Pre-tokenizers of tokenizer.json: how a normalized text is cut into words before the model merges within
// each.
//
// Supported: Split (Regex or String, five behaviors, invert), ByteLevel, Digits, Metaspace, Whitespace,
// WhitespaceSplit, Punctuation, and sequences of them; ByteLevel must come last, for the model then works on
// bytes. Others are refused by name when the file is read.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/tokenizers/mapped_text.h"
#include "data/tokenizers/regex.h"
#include "data/tokenizers/scanner.h"

namespace caravan::data {

// What becomes of a piece that matched, among those that did not.
enum class SplitBehavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

// Where Metaspace puts its mark before a text: always, at the start of the source only, never.
enum class PrependScheme { kAlways, kFirst, kNever };

// One step: cuts the pieces of a text further, or rewrites them. Thread safe.
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  virtual void apply(MappedText& text) const = 0;
  // Set where the step cuts by a scanner and does nothing else; the last such step runs without a list of
  // pieces.
  virtual NextWord scanner() const { return nullptr; }
};

std::unique_ptr<PreTokenizer> make_scanner_split(NextWord next);
std::unique_ptr<PreTokenizer> make_regex_split(Regex pattern, SplitBehavior behavior, bool invert);
std::unique_ptr<PreTokenizer> make_text_split(std::string pattern, SplitBehavior behavior, bool invert);
std::unique_ptr<PreTokenizer> make_digits(bool individual);
std::unique_ptr<PreTokenizer> make_punctuation(SplitBehavior behavior);
std::unique_ptr<PreTokenizer> make_whitespace_split();
std::unique_ptr<PreTokenizer> make_metaspace(std::string mark, PrependScheme scheme, bool split);
// ByteLevel's add_prefix_space.
std::unique_ptr<PreTokenizer> make_prefix_space();

}  // namespace caravan::data
