#include "data/filters/keyword_starts.h"

#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <set>

namespace caravan::data {

KeywordStarts::KeywordStarts(const std::vector<std::string_view>& keywords, bool ignore_case) {
  std::size_t length = kMaxLength;
  for (const std::string_view keyword : keywords) length = std::min(length, keyword.size());
  std::set<std::string_view> beginnings;
  for (const std::string_view keyword : keywords) beginnings.insert(keyword.substr(0, length));
  if (beginnings.size() > kMaxBeginnings) return;
  length_ = length;
  unsigned bucket = 0;
  for (const std::string_view beginning : beginnings) {
    for (std::size_t place = 0; place < length; ++place) {
      const auto byte = static_cast<unsigned char>(beginning[place]);
      allow(place, byte, bucket);
      if (ignore_case && byte >= 'a' && byte <= 'z')
        allow(place, static_cast<unsigned char>(byte & ~0x20u), bucket);
    }
    bucket = (bucket + 1) % 8;
  }
}

void KeywordStarts::allow(std::size_t place, unsigned char byte, unsigned bucket) {
  const auto bit = static_cast<std::uint8_t>(1u << bucket);
  low_[place][byte & 15u] |= bit;
  high_[place][byte >> 4] |= bit;
}

// Of kStep places; reads kMaxLength - 1 bytes beyond them.
std::uint32_t KeywordStarts::candidates(const char* from) const {
  const __m256i half = _mm256_set1_epi8(15);
  const auto table = [](const std::array<std::uint8_t, 16>& row) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(row.data())));
  };
  __m256i found = _mm256_set1_epi8(-1);
  for (std::size_t place = 0; place < length_; ++place) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + place));
    const __m256i low = _mm256_shuffle_epi8(table(low_[place]), _mm256_and_si256(bytes, half));
    const __m256i high =
        _mm256_shuffle_epi8(table(high_[place]), _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half));
    found = _mm256_and_si256(found, _mm256_and_si256(low, high));
  }
  return ~static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(found, _mm256_setzero_si256())));
}

std::size_t KeywordStarts::next(std::string_view text, std::size_t at) const {
  constexpr std::size_t kRead = kStep + kMaxLength - 1;
  for (; at + kRead <= text.size(); at += kStep)
    if (const std::uint32_t found = candidates(text.data() + at))
      return at + static_cast<std::size_t>(std::countr_zero(found));
  std::array<char, kRead> tail;
  for (; at < text.size(); at += kStep) {
    const std::size_t left = std::min(kRead, text.size() - at);
    tail.fill(0);
    std::memcpy(tail.data(), text.data() + at, left);
    if (const std::uint32_t found = candidates(tail.data()))
      return std::min(text.size(), at + static_cast<std::size_t>(std::countr_zero(found)));
  }
  return text.size();
}

}  // namespace caravan::data
