// Special-looking tokens in template-written text, and the pieces of a generation prompt.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/tokenizers/tokenizer.h"

namespace caravan::data {

// Stretches like <|eot_id|>, </s>, <function=f> or [INST] inside text[range], in order: brackets around a
// word, no white space.
std::vector<ByteRange> find_markers(std::string_view text, ByteRange range);

// What a marker marks, and which end of it.
struct MarkerName {
  std::string
      name;  // without brackets, bars, attributes and the words that say begin or end: "im" of <|im_end|>
  enum class Side { kOpens, kCloses, kEither } side = Side::kEither;
};
MarkerName read_marker(std::string_view marker);

// A generation prompt, cut where a header may end early: "<|im_start|>", "assistant", "\n", "<think>", "\n".
class PromptPieces {
 public:
  // Refers to `prompt`.
  explicit PromptPieces(std::string_view prompt);
  bool empty() const { return pieces_.empty(); }
  // How many bytes of `text` are the prompt's beginning. 0 unless a piece that is no white space matches, and
  // 0 where the first difference lies in a word: then it is another header.
  std::size_t match(std::string_view text) const;

 private:
  enum class Kind { kMarker, kWord, kSpace };
  struct Piece {
    std::string_view text;
    Kind kind;
  };
  std::vector<Piece> pieces_;
};

}  // namespace caravan::data
