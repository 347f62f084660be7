// What a word became last time: a small, bounded cache that one thread owns.
//
// Time goes to memory here, so entries are packed: a short word (15 bytes, 3 tokens) takes half a cache line,
// a set of two such entries one line, touched once per look-up. A long word (31 bytes, 7 tokens) takes a
// line. Words beyond that are not kept.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "data/tokenizers/large_array.h"

namespace caravan::data {

// A word of up to 15 bytes as one value: its text, zeros, its length. Two words are equal where their keys
// are.
struct ShortWord {
  static constexpr std::size_t kMaxBytes = 15;

  __m128i key;
  std::uint64_t hash;

  // `readable`: bytes that may be read from `word` on (at least `num_bytes`).
  static ShortWord make(const char* word, std::size_t num_bytes, std::size_t readable) {
    alignas(32) static constexpr unsigned char kMask[32] = {255, 255, 255, 255, 255, 255, 255, 255,
                                                            255, 255, 255, 255, 255, 255, 255, 255};
    __m128i text;
    if (readable >= 16) [[likely]] {
      const __m128i mask = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kMask + 16 - num_bytes));
      text = _mm_and_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(word)), mask);
    } else {
      alignas(16) char copy[16] = {};
      std::memcpy(copy, word, num_bytes);
      text = _mm_load_si128(reinterpret_cast<const __m128i*>(copy));
    }
    const auto low = static_cast<std::uint64_t>(_mm_cvtsi128_si64(text));
    const auto high =
        static_cast<std::uint64_t>(_mm_extract_epi64(text, 1)) | static_cast<std::uint64_t>(num_bytes) << 56;
    const unsigned __int128 product =
        static_cast<unsigned __int128>(low ^ 0x9e3779b97f4a7c15u) * (high ^ 0xbf58476d1ce4e5b9u);
    return {_mm_set_epi64x(static_cast<long long>(high), static_cast<long long>(low)),
            static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64)};
  }
  static bool equal(__m128i a, __m128i b) { return _mm_movemask_epi8(_mm_cmpeq_epi8(a, b)) == 0xffff; }
};

class WordCache {
 public:
  static constexpr std::size_t kMaxLongBytes = 31;
  static constexpr std::size_t kMaxShortIds = 3;
  static constexpr std::size_t kMaxLongIds = 7;

  // The number of ids stands last, so that an array may be copied whole.
  struct ShortEntry {
    __m128i key;
    std::int32_t ids[kMaxShortIds + 1];
    std::span<const std::int32_t> view() const { return {ids, static_cast<std::size_t>(ids[kMaxShortIds])}; }
  };
  struct LongEntry {
    char text[kMaxLongBytes];
    std::uint8_t num_bytes;
    std::int32_t ids[kMaxLongIds + 1];
    std::span<const std::int32_t> view() const { return {ids, static_cast<std::size_t>(ids[kMaxLongIds])}; }
  };

  WordCache() : short_(kNumShortSets), long_(kNumLong) {}

  // Asks for the memory of a word that find() will be called with.
  void prefetch(const ShortWord& word) const {
    _mm_prefetch(reinterpret_cast<const char*>(&short_[word.hash & (kNumShortSets - 1)]), _MM_HINT_T0);
  }

  // The ids of a word of 1..15 bytes, or null.
  const ShortEntry* find(const ShortWord& word) const {
    const ShortSet& set = short_[word.hash & (kNumShortSets - 1)];
    if (ShortWord::equal(set.entries[0].key, word.key)) return &set.entries[0];
    if (ShortWord::equal(set.entries[1].key, word.key)) return &set.entries[1];
    return nullptr;
  }
  // The ids of a word of 1..31 bytes, or null.
  const LongEntry* find_long(std::string_view word) const {
    const LongEntry& entry = long_[long_place(word)];
    return std::string_view(entry.text, entry.num_bytes) == word ? &entry : nullptr;
  }

  // Keeps at most kMaxShortIds ids of a short word; the older entry of its set goes.
  void insert(const ShortWord& word, std::span<const std::int32_t> ids) {
    ShortSet& set = short_[word.hash & (kNumShortSets - 1)];
    set.entries[1] = set.entries[0];
    set.entries[0].key = word.key;
    set.entries[0].ids[kMaxShortIds] = static_cast<std::int32_t>(ids.size());
    std::memcpy(set.entries[0].ids, ids.data(), ids.size_bytes());
  }
  // Keeps at most kMaxLongIds ids of a word of 1..31 bytes.
  void insert_long(std::string_view word, std::span<const std::int32_t> ids) {
    LongEntry& entry = long_[long_place(word)];
    std::memcpy(entry.text, word.data(), word.size());
    entry.num_bytes = static_cast<std::uint8_t>(word.size());
    entry.ids[kMaxLongIds] = static_cast<std::int32_t>(ids.size());
    std::memcpy(entry.ids, ids.data(), ids.size_bytes());
  }

 private:
  static constexpr std::size_t kNumShortSets = 16384;  // 1 MiB
  static constexpr std::size_t kNumLong = 8192;        // 512 KiB

  struct alignas(64) ShortSet {
    ShortEntry entries[2];
  };
  static_assert(sizeof(ShortSet) == 64 && sizeof(LongEntry) == 64);

  static std::size_t long_place(std::string_view word) {
    const auto load = [](const char* p) {
      std::uint64_t value;
      std::memcpy(&value, p, 8);
      return value;
    };
    std::uint64_t hash = word.size() * 0x9e3779b97f4a7c15u;
    std::size_t at = 0;
    for (; at + 8 <= word.size(); at += 8)
      hash = (hash ^ load(word.data() + at)) * 0x94d049bb133111ebu ^ hash >> 29;
    std::uint64_t rest = 0;
    std::memcpy(&rest, word.data() + at, word.size() - at);
    hash = (hash ^ rest) * 0xbf58476d1ce4e5b9u;
    return (hash ^ hash >> 32) & (kNumLong - 1);
  }

  LargeArray<ShortSet> short_;
  LargeArray<LongEntry> long_;
};

// The words that are tokens, of up to 15 bytes: read-only, one look-up touches one line, seldom two.
class ShortWordTable {
 public:
  static constexpr std::int32_t kNone = -1;

  explicit ShortWordTable(std::size_t num_words = 0) {
    std::size_t size = 64;
    while (size < num_words * 2) size *= 2;
    keys_ = LargeArray<Key>(size);
    ids_ = LargeArray<std::int32_t>(size);
  }
  // At most as many words as the constructor was told.
  void insert(const ShortWord& word, std::int32_t id) {
    const std::size_t at = probe(word);
    keys_[at].value = word.key;
    ids_[at] = id + 1;
  }
  std::int32_t find(const ShortWord& word) const { return ids_[probe(word)] - 1; }

 private:
  struct Key {
    __m128i value;
  };
  // The empty key is no word: a word of no bytes is never sought.
  std::size_t probe(const ShortWord& word) const {
    const std::size_t mask = keys_.size() - 1;
    std::size_t at = word.hash >> 20 & mask;
    while (!ShortWord::equal(keys_[at].value, word.key) &&
           !ShortWord::equal(keys_[at].value, _mm_setzero_si128())) {
      at = (at + 1) & mask;
    }
    return at;
  }

  LargeArray<Key> keys_;
  LargeArray<std::int32_t> ids_;  // plus one; 0: empty
};

}  // namespace caravan::data
