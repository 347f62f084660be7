#include "data/words/words.h"

#include <immintrin.h>
#include <xxhash.h>

#include <bit>
#include <cstring>

#include "data/error.h"
#include "data/tokenizers/unicode.h"
#include "data/words/folding_table.h"
#include "data/words/stretch.h"

namespace caravan::data {
namespace {

constexpr std::size_t kSlack = 32;  // bytes behind the letters that may be read and written
constexpr std::size_t kMostBytes = std::size_t{256} << 20;
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

// Of 32 bytes: which are ASCII letters and digits. `lower` gets them in lower case, other ASCII unchanged.
std::uint32_t lower_ascii(const char* from, char* lower) {
  const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  const auto within = [](__m256i x, char low, char high) {
    const __m256i moved = _mm256_sub_epi8(x, _mm256_set1_epi8(low));
    return _mm256_cmpeq_epi8(_mm256_min_epu8(moved, _mm256_set1_epi8(static_cast<char>(high - low))), moved);
  };
  const __m256i lowered =
      _mm256_or_si256(bytes, _mm256_and_si256(within(bytes, 'A', 'Z'), _mm256_set1_epi8(0x20)));
  const __m256i kept = _mm256_or_si256(within(lowered, 'a', 'z'), within(bytes, '0', '9'));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(lower), lowered);
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(kept));
}

void require_length(std::string_view text, std::string_view before) {
  if (text.size() <= kMostBytes && before.size() <= kMostBytes * 12) return;
  throw Error(Error::Kind::kData, "a text of " + std::to_string(text.size()) +
                                      " bytes is too long to be split into words; at most " +
                                      std::to_string(kMostBytes) + " bytes are allowed");
}

std::uint32_t non_ascii(const char* from) {
  return static_cast<std::uint32_t>(
      _mm256_movemask_epi8(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))));
}

}  // namespace

std::uint64_t hash_letters(std::string_view letters) {
  char padded[kSlack] = {};
  if (letters.size() > 16) return XXH3_64bits(letters.data(), letters.size());
  std::memcpy(padded, letters.data(), letters.size());
  return hash_padded(padded, letters.size());
}

// One pass over one text. Letters are written behind one another, separators of ASCII included, so that
// blocks of 32 bytes go through unchanged.
class WordRun {
 public:
  WordRun(const FoldingTable& table, std::string_view text, std::string& letters, std::vector<Word>& words)
      : table_(table), text_(text), letters_(letters), words_(words), end_(letters.size()) {}

  void run() {
    while (at_ < text_.size()) {
      reserve(text_.size() - at_);
      run_ascii();
      if (at_ < text_.size()) run_other();
    }
    close(at_);
    letters_.resize(end_);
  }

  void hash_words() {
    letters_.resize(end_ + kSlack);
    for (std::size_t i = first_word_; i < words_.size(); ++i)
      words_[i].hash = hash_padded(letters_.data() + words_[i].begin, words_[i].num_bytes);
    letters_.resize(end_);
  }

 private:
  // Room for `more` letters and a block.
  void reserve(std::size_t more) {
    if (letters_.size() < end_ + more + 2 * kSlack) letters_.resize(end_ + more + more / 8 + 64 + 2 * kSlack);
  }
  void open(std::size_t source) {
    if (open_) return;
    open_ = true;
    begin_ = end_;
    source_begin_ = source;
  }
  void close(std::size_t source_end) {
    if (!open_) return;
    open_ = false;
    words_.push_back({0, static_cast<std::uint32_t>(begin_), static_cast<std::uint32_t>(end_ - begin_),
                      static_cast<std::uint32_t>(source_begin_), static_cast<std::uint32_t>(source_end)});
  }

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
      const std::uint32_t others = non_ascii(from);
      std::size_t count = left < 32 ? left : 32;
      if (others != 0) count = std::min(count, static_cast<std::size_t>(std::countr_zero(others)));
      if (count == 0) return;
      std::uint32_t kept = lower_ascii(from, letters_.data() + end_);
      if (count < 32) kept &= (std::uint32_t{1} << count) - 1;
      cut_words(kept, count);
      if (others != 0) return;
    }
  }

  // Words begin and end where a kept byte stands beside one that is not.
  void cut_words(std::uint32_t kept, std::size_t count) {
    std::uint32_t edges = kept ^ (kept << 1 | static_cast<std::uint32_t>(open_));
    if (count < 32) edges &= (std::uint32_t{1} << count) - 1;
    const std::size_t base = end_;
    for (; edges != 0; edges &= edges - 1) {
      const auto bit = static_cast<std::size_t>(std::countr_zero(edges));
      end_ = base + bit;
      if (open_) {
        close(at_ + bit);
      } else {
        open(at_ + bit);
      }
    }
    end_ = base + count;
    at_ += count;
  }

  // Characters beyond ASCII, up to the next ASCII byte.
  void run_other() {
    while (at_ < text_.size() && static_cast<unsigned char>(text_[at_]) >= 0x80) {
      std::uint32_t num_bytes = 1;
      const FoldedChar folded = fold_at(at_, num_bytes);
      if (folded.fate == CharFate::kTogether) {
        run_stretch();
      } else {
        reserve(8);
        put(folded, at_, at_ + num_bytes);
        at_ += num_bytes;
      }
    }
    reserve(text_.size() - at_);
  }

  FoldedChar fold_at(std::size_t at, std::uint32_t& num_bytes) const {
    const std::size_t announced = announced_length(static_cast<unsigned char>(text_[at]));
    num_bytes = 1;
    if (at + announced > text_.size()) return {};
    const DecodedChar c = decode_valid(text_.data() + at);
    if (announced != c.num_bytes || c.value > 0x10ffff) return {};
    num_bytes = c.num_bytes;
    return table_.fold(c.value);
  }

  void put(const FoldedChar& folded, std::size_t source, std::size_t source_end) {
    if (folded.fate == CharFate::kDropped) return;
    if (folded.fate != CharFate::kLetter) close(source);
    if (folded.fate == CharFate::kSeparator) return;
    open(source);
    char encoded[4];
    const std::size_t size = encode_utf8(folded.letter, encoded);
    std::memcpy(letters_.data() + end_, encoded, size);
    end_ += size;
    if (folded.fate == CharFate::kWord) close(source_end);
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
    for (const char32_t c : stretch_) {
      reserve(8);
      put(table_.fold_normal(c), first, last);
    }
    at_ = stretch_end_ = last;
    reserve(text_.size() - at_);
  }

  void take_back(std::size_t first) {
    std::uint32_t num_bytes = 0;
    const FoldedChar folded = fold_at(first, num_bytes);
    char encoded[4];
    if (folded.fate == CharFate::kWord) {
      end_ = words_.back().begin;
      words_.pop_back();
    } else if (folded.fate == CharFate::kLetter) {
      end_ -= encode_utf8(folded.letter, encoded);
      if (end_ == begin_) open_ = false;
    }
  }

  static std::size_t encode_utf8(char32_t c, char* out) {
    const auto byte = [](char32_t bits) { return static_cast<char>(static_cast<unsigned char>(bits)); };
    if (c < 0x80) {
      out[0] = byte(c);
      return 1;
    }
    if (c < 0x800) {
      out[0] = byte(0xc0 | c >> 6);
      out[1] = byte(0x80 | (c & 63));
      return 2;
    }
    if (c < 0x10000) {
      out[0] = byte(0xe0 | c >> 12);
      out[1] = byte(0x80 | (c >> 6 & 63));
      out[2] = byte(0x80 | (c & 63));
      return 3;
    }
    out[0] = byte(0xf0 | c >> 18);
    out[1] = byte(0x80 | (c >> 12 & 63));
    out[2] = byte(0x80 | (c >> 6 & 63));
    out[3] = byte(0x80 | (c & 63));
    return 4;
  }

  const FoldingTable& table_;
  std::string_view text_;
  std::string& letters_;
  std::vector<Word>& words_;
  std::u32string stretch_;
  std::size_t at_ = 0;
  std::size_t end_;  // of the letters written
  std::size_t first_word_ = words_.size();
  std::size_t begin_ = 0;
  std::size_t source_begin_ = 0;
  std::size_t stretch_end_ = 0;
  bool open_ = false;
};

WordSplitter::WordSplitter(Folding folding) : table_(&FoldingTable::of(folding)) {}

void WordSplitter::append(std::string_view text, Words& out) const {
  require_length(text, out.letters_);
  WordRun run(*table_, text, out.letters_, out.words_);
  run.run();
  run.hash_words();
}

void WordSplitter::append_unhashed(std::string_view text, Words& out) const {
  require_length(text, out.letters_);
  WordRun(*table_, text, out.letters_, out.words_).run();
}

}  // namespace caravan::data
