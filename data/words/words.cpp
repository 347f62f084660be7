#include "data/words/words.h"

#include <xxhash.h>

#include <bit>
#include <cstring>

#include "data/error.h"
#include "data/tokenizers/unicode.h"
#include "data/words/folding_table.h"
#include "data/words/stretch.h"
#include "data/words/word_sinks.h"

namespace caravan::data {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{256} << 20;
// A longer run of characters that go together is cut: ICU's sorting of marks is quadratic in them.
constexpr std::size_t kLongestStretch = 1024;

std::uint64_t load(const char* p) {
  std::uint64_t value;
  std::memcpy(&value, p, 8);
  return value;
}

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// Bytes behind `size` may be read, and do not count.
std::uint64_t hash_padded(const char* p, std::size_t size) {
  constexpr std::uint64_t kFirst = 0x9e3779b97f4a7c15, kSecond = 0xd6e8feb86659fd93;
  if (size > 16) return XXH3_64bits(p, size);
  std::uint64_t low = load(p), high = 0;
  if (size <= 8) {
    low &= size == 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * size)) - 1;
  } else {
    high = load(p + size - 8);
  }
  return mix(low ^ kFirst, high ^ kSecond ^ size << 56);
}

void require_length(std::string_view text, std::string_view before) {
  if (text.size() <= kMaxBytes && before.size() <= kMaxBytes * 12) return;
  throw Error(Error::Kind::kData, "a text of " + std::to_string(text.size()) +
                                      " bytes is too long to be split into words; at most " +
                                      std::to_string(kMaxBytes) + " bytes are allowed");
}

}  // namespace

std::uint64_t hash_letters(std::string_view letters) {
  char padded[kWordSlack] = {};
  if (letters.size() > 16) return XXH3_64bits(letters.data(), letters.size());
  std::memcpy(padded, letters.data(), letters.size());
  return hash_padded(padded, letters.size());
}

// One pass over one text. Sink: ListedWords or JoinedWords.
template <class Sink>
class WordRun {
 public:
  WordRun(const FoldingTable& table, std::string_view text, Sink& sink)
      : table_(table), text_(text), sink_(sink) {}

  void run() {
    while (at_ < text_.size()) {
      sink_.reserve(text_.size() - at_);
      run_ascii();
      if (at_ < text_.size()) run_other();
    }
    sink_.close(at_);
  }

 private:
  // Up to the next byte that is not ASCII, or the end.
  void run_ascii() {
    while (at_ < text_.size()) {
      const std::size_t left = text_.size() - at_;
      char tail[32] = {};
      const char* from = text_.data() + at_;
      if (left < 32) {
        std::memcpy(tail, from, left);
        from = tail;
      }
      const AsciiBlock block(from);
      std::size_t count = left < 32 ? left : 32;
      if (block.others != 0)
        count = std::min(count, static_cast<std::size_t>(std::countr_zero(block.others)));
      if (count == 0) return;
      sink_.take(block, count, at_);
      at_ += count;
      if (block.others != 0) return;
    }
  }

  // Characters beyond ASCII, up to the next ASCII byte.
  void run_other() {
    while (at_ < text_.size() && static_cast<unsigned char>(text_[at_]) >= 0x80) {
      std::uint32_t num_bytes = 1;
      const FoldedChar folded = fold_at(at_, num_bytes);
      if (folded.fate == CharFate::kTogether) {
        run_stretch();
      } else {
        put(folded, at_, at_ + num_bytes);
        at_ += num_bytes;
      }
    }
  }

  FoldedChar fold_at(std::size_t at, std::uint32_t& num_bytes) const {
    const DecodedChar c = decode_any(text_, at);
    num_bytes = c.num_bytes;
    // Neither a broken character nor the replacement of one is part of a word.
    if (c.value == 0xfffd) return {};
    return table_.fold(c.value);
  }

  void put(const FoldedChar& folded, std::size_t source, std::size_t source_end) {
    if (folded.fate == CharFate::kDropped) return;
    if (folded.fate != CharFate::kLetter) sink_.close(source);
    if (folded.fate == CharFate::kSeparator) return;
    sink_.reserve(8);
    sink_.put(folded.letter, source);
    if (folded.fate == CharFate::kWord) sink_.close(source_end);
  }

  // The character before is taken back, because a mark may join it; both go through ICU.
  void run_stretch() {
    std::size_t first = at_;
    if (at_ > stretch_end_) {
      first = previous_char(text_, at_);
      if (first < stretch_end_) first = at_;
    }
    std::size_t last = at_;
    std::uint32_t num_bytes = 0;
    do {
      const FoldedChar folded = fold_at(last, num_bytes);
      if (folded.fate != CharFate::kTogether) break;
      last += num_bytes;
    } while (last < text_.size() && last - first < kLongestStretch);
    if (first < at_) take_back(first);
    normalize_stretch(text_, first, last, stretch_);
    for (const char32_t c : stretch_) put(table_.fold_normal(c), first, last);
    at_ = stretch_end_ = last;
  }

  void take_back(std::size_t first) {
    std::uint32_t num_bytes = 0;
    const FoldedChar folded = fold_at(first, num_bytes);
    if (folded.fate == CharFate::kWord) sink_.take_back_word(folded.letter);
    if (folded.fate == CharFate::kLetter) sink_.take_back_letter(folded.letter);
  }

  const FoldingTable& table_;
  std::string_view text_;
  Sink& sink_;
  std::u32string stretch_;
  std::size_t at_ = 0;
  std::size_t stretch_end_ = 0;
};

WordSplitter::WordSplitter(Folding folding) : table_(&FoldingTable::of(folding)) {}

void WordSplitter::append(std::string_view text, Words& out) const {
  require_length(text, out.letters_);
  const std::size_t first = out.words_.size();
  ListedWords sink(out.letters_, out.words_);
  WordRun(*table_, text, sink).run();
  const std::size_t end = sink.end();
  out.letters_.resize(end + kWordSlack);
  for (std::size_t i = first; i < out.words_.size(); ++i)
    out.words_[i].hash = hash_padded(out.letters_.data() + out.words_[i].begin, out.words_[i].num_bytes);
  out.letters_.resize(end);
}

void WordSplitter::append_joined(std::string_view text, std::string& out) const {
  require_length(text, out);
  JoinedWords sink(out);
  WordRun(*table_, text, sink).run();
  out.resize(sink.end());
}

}  // namespace caravan::data
