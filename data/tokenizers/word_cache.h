// What a word became last time: a small, bounded cache that one thread owns. One entry is one cache line, so
// words of up to 31 bytes and 7 tokens fit, and others are simply not kept. Two places per word; the older
// one is replaced.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

namespace caravan::data {

class WordCache {
 public:
  static constexpr std::size_t kMaxBytes = 31;
  static constexpr std::size_t kMaxIds = 7;

  // The word as 32 bytes: its text, zeros, its length. Two words are equal where their keys are.
  struct Key {
    __m256i bytes;
    std::uint64_t hash;
  };

  struct alignas(64) Entry {
    __m256i key;
    std::int32_t ids[kMaxIds];
    std::int32_t num_ids;
  };

  WordCache() : entries_(kNumSets * 2) { std::memset(entries_.data(), 0, entries_.size() * sizeof(Entry)); }

  // `readable`: bytes that may be read from `word` on (at least `num_bytes`).
  static Key make_key(const char* word, std::size_t num_bytes, std::size_t readable) {
    __m256i bytes;
    if (readable >= 32) [[likely]] {
      const __m256i mask = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kMask + 32 - num_bytes));
      bytes = _mm256_and_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(word)), mask);
    } else {
      alignas(32) char copy[32] = {};
      std::memcpy(copy, word, num_bytes);
      bytes = _mm256_load_si256(reinterpret_cast<const __m256i*>(copy));
    }
    const __m256i length = _mm256_insert_epi8(_mm256_setzero_si256(), static_cast<char>(num_bytes), 31);
    bytes = _mm256_or_si256(bytes, length);
    return {bytes, hash(bytes)};
  }

  // The ids of a word, or null. An entry's ids may be copied whole: 8 integers are always readable.
  const Entry* find(const Key& key) const {
    const Entry* set = entries_.data() + (key.hash & (kNumSets - 1)) * 2;
    if (equal(set[0].key, key.bytes)) return set;
    if (equal(set[1].key, key.bytes)) return set + 1;
    return nullptr;
  }

  // The entry for a word that find() did not know; the caller fills ids and num_ids.
  Entry& insert(const Key& key) {
    Entry* set = entries_.data() + (key.hash & (kNumSets - 1)) * 2;
    set[1] = set[0];
    set[0].key = key.bytes;
    return set[0];
  }

 private:
  static constexpr std::size_t kNumSets = 8192;
  alignas(64) static constexpr unsigned char kMask[64] = {
      255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
      255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};

  static bool equal(__m256i a, __m256i b) { return _mm256_movemask_epi8(_mm256_cmpeq_epi8(a, b)) == -1; }

  // Two 64 x 64 -> 128 bit products, folded.
  static std::uint64_t hash(__m256i bytes) {
    const auto lane = [&](auto i) {
      return static_cast<std::uint64_t>(_mm256_extract_epi64(bytes, i.value));
    };
    using std::integral_constant;
    const auto fold = [](std::uint64_t a, std::uint64_t b) {
      const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
      return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
    };
    const std::uint64_t low = fold(lane(integral_constant<int, 0>()) ^ 0x9e3779b97f4a7c15u,
                                   lane(integral_constant<int, 1>()) ^ 0xbf58476d1ce4e5b9u);
    const std::uint64_t high = fold(lane(integral_constant<int, 2>()) ^ 0x94d049bb133111ebu,
                                    lane(integral_constant<int, 3>()) ^ 0xd6e8feb86659fd93u);
    return low ^ (high << 1 | high >> 63);
  }

  std::vector<Entry> entries_;
};

}  // namespace caravan::data
