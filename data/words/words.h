// The words of a text as search and deduplication see them, each with its hash and its place in the text.
//
// Goals: the reference's tokens to the letter (Folding::kReference): NFKC, full lower case, invisible format
// characters dropped, letters, numbers and marks kept, everything else separates, every Han ideograph and
// Hiragana letter a word of its own. Folding::kLookalikes reads through disguises too: accents, letters of
// other scripts that look like Latin ones, characters that nobody sees. No allocation once the memory has
// grown; plain English runs at memory speed. Non-goals: sentences, stems, spelling.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace caravan::data {

enum class Folding : std::uint8_t { kReference, kLookalikes };

struct Word {
  std::uint64_t hash = 0;
  std::uint32_t begin = 0;  // of its letters in Words
  std::uint32_t num_bytes = 0;
  std::uint32_t source_begin = 0;  // bytes of the text it was made of
  std::uint32_t source_end = 0;
};

// Words of one text, or of several after one another. Reused from text to text.
class Words {
 public:
  std::size_t size() const { return words_.size(); }
  bool empty() const { return words_.empty(); }
  const Word& operator[](std::size_t i) const { return words_[i]; }
  std::string_view letters(std::size_t i) const {
    return std::string_view(letters_).substr(words_[i].begin, words_[i].num_bytes);
  }
  // Of all words, one after the other, with what may stand between them.
  std::string_view letters() const { return letters_; }
  const std::vector<Word>& all() const { return words_; }
  void clear() {
    words_.clear();
    letters_.clear();
  }

 private:
  friend class WordSplitter;
  std::string letters_;
  std::vector<Word> words_;
};

// The hash that Word::hash holds. Stable within one build of the program only: never written to files.
std::uint64_t hash_letters(std::string_view letters);

// Thread safe: holds nothing but tables.
class WordSplitter {
 public:
  explicit WordSplitter(Folding folding);
  // Appends the words of `text`; places count from its first byte. `text` is valid UTF-8 of less than 256 MiB
  // (throws data::Error beyond; bytes that are not UTF-8 separate).
  void append(std::string_view text, Words& out) const;
  // The words alone, a space behind each. `out` is empty or comes from here.
  void append_joined(std::string_view text, std::string& out) const;
  void split(std::string_view text, Words& out) const {
    out.clear();
    append(text, out);
  }

 private:
  const class FoldingTable* table_;
};

}  // namespace caravan::data
