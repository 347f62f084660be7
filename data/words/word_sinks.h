// Where the words of a text go, letter by letter or 32 bytes of ASCII at once. Private to the words.
#pragma once

#include <immintrin.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "data/words/words.h"

namespace caravan::data {

constexpr std::size_t kWordSlack = 32;  // bytes behind the letters that may be read and written

// 32 bytes of a text: its ASCII letters and digits, in lower case.
struct AsciiBlock {
  explicit AsciiBlock(const char* from) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    const auto within = [](__m256i x, char low, char high) {
      const __m256i moved = _mm256_sub_epi8(x, _mm256_set1_epi8(low));
      return _mm256_cmpeq_epi8(_mm256_min_epu8(moved, _mm256_set1_epi8(static_cast<char>(high - low))),
                               moved);
    };
    lowered = _mm256_or_si256(bytes, _mm256_and_si256(within(bytes, 'A', 'Z'), _mm256_set1_epi8(0x20)));
    letters = _mm256_or_si256(within(lowered, 'a', 'z'), within(bytes, '0', '9'));
    kept = static_cast<std::uint32_t>(_mm256_movemask_epi8(letters));
    others = static_cast<std::uint32_t>(_mm256_movemask_epi8(bytes));
  }
  __m256i lowered;       // other bytes unchanged
  __m256i letters;       // all bits of the bytes that are letters or digits
  std::uint32_t kept;    // the same as bits
  std::uint32_t others;  // bytes beyond ASCII
};

constexpr std::uint32_t first_bits(std::size_t count) {
  return count < 32 ? (std::uint32_t{1} << count) - 1 : ~std::uint32_t{0};
}

// Letters behind one another in memory that has room for a block more than is asked for.
class LetterMemory {
 public:
  explicit LetterMemory(std::string& letters) : letters_(letters), end_(letters.size()) {}
  void reserve(std::size_t more) {
    if (letters_.size() < end_ + more + 2 * kWordSlack)
      letters_.resize(end_ + more + more / 8 + 64 + 2 * kWordSlack);
  }
  std::size_t end() const { return end_; }

 protected:
  void add(char32_t c) {
    const std::size_t size = size_of(c);
    const auto byte = [this](char32_t bits) {
      letters_[end_++] = static_cast<char>(static_cast<unsigned char>(bits));
    };
    constexpr unsigned char kFirst[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    byte(kFirst[size] | c >> 6 * (size - 1));
    for (std::size_t i = size - 1; i > 0; --i) byte(0x80 | (c >> 6 * (i - 1) & 63));
  }
  static std::size_t size_of(char32_t c) { return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4; }

  std::string& letters_;
  std::size_t end_;  // of the letters written
};

// Each word with its place. Separators of ASCII stay among the letters, so that blocks go through unchanged.
class ListedWords : public LetterMemory {
 public:
  ListedWords(std::string& letters, std::vector<Word>& words) : LetterMemory(letters), words_(words) {}

  // The first `count` bytes, which lie at `source`.
  void take(const AsciiBlock& block, std::size_t count, std::size_t source) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(letters_.data() + end_), block.lowered);
    const std::uint32_t kept = block.kept & first_bits(count);
    // Words begin and end where a kept byte stands beside one that is not.
    std::uint32_t edges = (kept ^ (kept << 1 | static_cast<std::uint32_t>(open_))) & first_bits(count);
    const std::size_t base = end_;
    for (; edges != 0; edges &= edges - 1) {
      const auto bit = static_cast<std::size_t>(std::countr_zero(edges));
      end_ = base + bit;
      if (open_) {
        close(source + bit);
      } else {
        open(source + bit);
      }
    }
    end_ = base + count;
  }
  void put(char32_t letter, std::size_t source) {
    if (!open_) open(source);
    add(letter);
  }
  void close(std::size_t source_end) {
    if (!open_) return;
    open_ = false;
    words_.push_back({0, static_cast<std::uint32_t>(begin_), static_cast<std::uint32_t>(end_ - begin_),
                      static_cast<std::uint32_t>(source_begin_), static_cast<std::uint32_t>(source_end)});
  }
  // What was put last.
  void take_back_word(char32_t) {
    end_ = words_.back().begin;
    words_.pop_back();
  }
  void take_back_letter(char32_t letter) {
    end_ -= size_of(letter);
    if (end_ == begin_) open_ = false;
  }

 private:
  void open(std::size_t source) {
    open_ = true;
    begin_ = end_;
    source_begin_ = source;
  }

  std::vector<Word>& words_;
  std::size_t begin_ = 0;
  std::size_t source_begin_ = 0;
  bool open_ = false;
};

// The words alone, a space behind each.
class JoinedWords : public LetterMemory {
 public:
  explicit JoinedWords(std::string& letters) : LetterMemory(letters) {}

  // The byte behind a word becomes its space, all others between words go; 8 bytes at a time, without a
  // branch.
  void take(const AsciiBlock& block, std::size_t count, std::size_t) {
    const std::uint32_t within = first_bits(count);
    const std::uint32_t kept = block.kept & within;
    const std::uint32_t wanted = (kept | kept << 1 | static_cast<std::uint32_t>(open_)) & within;
    open_ = (kept >> (count - 1) & 1u) != 0;
    alignas(32) std::uint64_t bytes[4];
    _mm256_store_si256(reinterpret_cast<__m256i*>(bytes),
                       _mm256_blendv_epi8(_mm256_set1_epi8(' '), block.lowered, block.letters));
    char* at = letters_.data() + end_;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::uint64_t bits = wanted >> (8 * i) & 0xffu;
      const std::uint64_t packed = _pext_u64(bytes[i], _pdep_u64(bits, 0x0101010101010101u) * 0xffu);
      std::memcpy(at, &packed, sizeof packed);
      at += std::popcount(bits);
    }
    end_ = static_cast<std::size_t>(at - letters_.data());
  }
  void put(char32_t letter, std::size_t) {
    open_ = true;
    add(letter);
  }
  void close(std::size_t) {
    if (open_) letters_[end_++] = ' ';
    open_ = false;
  }
  void take_back_word(char32_t letter) { end_ -= size_of(letter) + 1; }
  void take_back_letter(char32_t letter) {
    end_ -= size_of(letter);
    open_ = end_ > 0 && letters_[end_ - 1] != ' ';
  }

 private:
  bool open_ = false;
};

}  // namespace caravan::data
