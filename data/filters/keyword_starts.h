// Where in a text a keyword may begin: its first bytes, 32 places at a time.
//
// Goals: what holds no keyword is passed at memory speed; never misses one. Non-goals: saying which it is.
// After the shuffled nibbles of Hyperscan's Teddy.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace caravan::data {

class KeywordStarts {
 public:
  // ASCII letters of the keywords, then in lower case, match both cases with `ignore_case`.
  KeywordStarts(const std::vector<std::string_view>& keywords, bool ignore_case);

  // Too many beginnings would let every other place through.
  bool is_selective() const { return length_ > 0; }
  // The first place from `at` on where a keyword may begin; text.size() where there is none.
  std::size_t next(std::string_view text, std::size_t at) const;

 private:
  static constexpr std::size_t kMaxLength = 4;
  static constexpr std::size_t kMaxBeginnings = 24;
  static constexpr std::size_t kStep = 32;
  void allow(std::size_t place, unsigned char byte, unsigned bucket);
  std::uint32_t candidates(const char* from) const;

  std::size_t length_ = 0;  // bytes of a beginning
  // Which of 8 groups of beginnings have a byte with this low and this high half at this place.
  std::array<std::array<std::uint8_t, 16>, kMaxLength> low_{}, high_{};
};

}  // namespace caravan::data
