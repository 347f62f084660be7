// Which writing system a text is in: the first guess at its language.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace caravan::data {

enum class Script : std::uint8_t {
  kNone,  // no letters
  kLatin,
  kHangul,
  kKana,  // Hiragana and Katakana; Han beside them counts here too
  kHan,
  kCyrillic,
  kArabic,
  kDevanagari,
  kGreek,
  kHebrew,
  kThai,
  kOther,
  kMixed,  // no script has more than half of the letters
};
inline constexpr std::size_t kNumScripts = 13;
std::string_view name_of(Script script);

// Letters of each script, added up over texts of valid UTF-8.
class ScriptCounts {
 public:
  void add(std::string_view utf8);
  Script main() const;
  std::uint64_t letters() const;

 private:
  std::array<std::uint64_t, kNumScripts> counts_{};
};

}  // namespace caravan::data
