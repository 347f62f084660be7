// What becomes of each character on the way to words, looked up instead of computed.
//
// Most characters stand alone: one character in, one or none out, whatever their neighbours. The others
// (combining marks, ligatures, jamo) are kTogether: a stretch of them, with the character before it, goes
// through ICU. Blocks of 256 characters are filled when first met. Thread safe.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "data/words/words.h"

namespace caravan::data {

enum class CharFate : std::uint8_t { kSeparator, kLetter, kWord, kDropped, kTogether };

struct FoldedChar {
  char32_t letter = 0;  // what is kept, for kLetter and kWord (a word of its own)
  CharFate fate = CharFate::kSeparator;
};

class FoldingTable {
 public:
  static const FoldingTable& of(Folding folding);
  ~FoldingTable();

  FoldedChar fold(char32_t c) const {
    const Block* block = blocks_[c >> 8].load(std::memory_order_acquire);
    if (block == nullptr) block = fill(c >> 8);
    const std::uint32_t packed = (*block)[c & 255];
    return {packed & 0x1fffff, static_cast<CharFate>(packed >> 24)};
  }
  // The same for a character that went through NFKC and lower case already; never kTogether.
  FoldedChar fold_normal(char32_t c) const;

 private:
  using Block = std::array<std::uint32_t, 256>;
  explicit FoldingTable(Folding folding) : folding_(folding) {}
  const Block* fill(char32_t block) const;
  FoldedChar look_up(char32_t c) const;

  Folding folding_;
  mutable std::array<std::atomic<const Block*>, 0x1100> blocks_ = {};
};

// The Latin letter or digit that `c` passes for, or `c`. `c` is lower case.
char32_t latin_lookalike(char32_t c);

}  // namespace caravan::data
