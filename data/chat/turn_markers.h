// Special-looking tokens in template-written text, and the pieces of a generation prompt.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/tokenizers/tokenizer.h"

namespace caravan::data {

// A stretch like <|eot_id|>, </s>, <function=f> or [INST]: brackets around a word, no white space.
struct Marker {
  ByteRange range;
  std::string
      name;  // without brackets, bars, attributes and the words that say begin or end: "im" of <|im_end|>
  enum class Side { kOpens, kCloses, kEither } side = Side::kEither;
};

// The markers inside text[range], in order.
std::vector<Marker> find_markers(std::string_view text, ByteRange range);

// A generation prompt, cut where a header may end early: "<|im_start|>", "assistant", "\n", "<think>", "\n".
class PromptPieces {
 public:
  explicit PromptPieces(std::string_view prompt);
  bool empty() const { return pieces_.empty(); }
  // How many bytes of `text` are the prompt's beginning. 0 unless a piece that is no white space matches, and
  // 0 where the first difference lies in a word: then it is another header.
  std::size_t match(std::string_view text) const;

 private:
  enum class Kind { kMarker, kWord, kSpace };
  struct Piece {
    std::string text;
    Kind kind;
  };
  std::vector<Piece> pieces_;
};

}  // namespace caravan::data
