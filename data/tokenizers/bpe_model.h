// Byte-pair encoding of one word: its first symbols (bytes or characters), then merges by rank, leftmost
// first.
//
// Equal to Hugging Face's and tiktoken's results on every input, with one exception: a character that has no
// token in a model without an unknown token is an error here, while Hugging Face's library drops it in
// silence. O(n log n) in the length of the word, whatever it holds. Const and thread safe after construction.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "data/tokenizers/merge_table.h"
#include "data/tokenizers/vocabulary.h"

namespace caravan::data {

struct BpeOptions {
  bool byte_level = false;     // symbols are bytes; else characters
  bool ignore_merges = false;  // a word that is a token is that token, whatever the merges say
  bool byte_fallback = false;  // a character without token becomes the tokens <0x..> of its bytes
  bool fuse_unk = false;       // neighbouring unknown characters become one unknown token
  std::optional<std::int32_t> unk;
};

// A token with the offset in the word at which it starts.
struct Symbol {
  std::int32_t id;
  std::uint32_t begin;
};

class BpeModel {
 public:
  // `names`: tokens as the file writes them; `words`: as they stand in text (equal to `names` unless
  // byte_level). Later merges of the same pair win. Merges must name tokens of `names`.
  BpeModel(BpeOptions options, const Vocabulary& names, const Vocabulary& words, MergeTable merges);

  // Symbols of a word of valid UTF-8 in the model's alphabet, in place of what `out` held. Returns whether
  // every token is as long as its text (false where unknown or fallback tokens stand for characters). Throws
  // Error (kData) where a character has no token at all.
  bool encode(std::string_view word, std::vector<Symbol>& out) const;

  // Whether encode() never throws: all bytes have tokens, or unknown characters have one.
  bool encodes_everything() const { return has_all_bytes_ || options_.unk.has_value(); }
  // Length in text of a token that encode() made of plain symbols.
  std::uint32_t symbol_bytes(std::int32_t id) const { return symbol_bytes_[static_cast<std::size_t>(id)]; }

  // Where a text may be cut before U+2581 without any effect on the result, for models that merge across
  // whole texts.
  bool has_mark_cuts() const { return has_mark_cuts_; }
  // End of the part that starts at `begin`.
  const char* next_part(const char* begin, const char* end) const;

 private:
  struct BytePair {
    std::uint32_t rank;
    std::int32_t merged;
  };
  void find_bytes();
  void find_mark_cuts();
  bool read_symbols(std::string_view word, std::vector<Symbol>& out) const;
  void merge_few(std::vector<Symbol>& symbols, std::string_view word) const;
  void merge_many(std::vector<Symbol>& symbols) const;
  std::int32_t char_symbol(std::string_view character) const;

  BpeOptions options_;
  const Vocabulary& names_;
  const Vocabulary& words_;
  MergeTable merges_;
  std::array<std::int32_t, 256> byte_symbols_{};    // of bytes in text; kNone where there is none
  std::array<std::int32_t, 256> fallback_bytes_{};  // of <0x00>..<0xFF>
  bool has_all_bytes_ = false;
  LargeArray<BytePair> byte_pairs_;          // [256 * 256], where has_all_bytes_
  std::vector<std::int32_t> wide_symbols_;   // of U+0000..U+FFFF, unless byte_level
  std::vector<std::uint32_t> symbol_bytes_;  // by id
  bool has_mark_cuts_ = false;
  std::vector<bool> joins_mark_;  // by character: some token holds it right before U+2581
};

}  // namespace caravan::data
