#include "data/inspection/script.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "data/tokenizers/unicode.h"

namespace caravan::data {
namespace {

struct Range {
  char32_t first, last;
  Script script;
};

// The blocks that hold the letters of running text; rarer ones count as other.
constexpr Range kRanges[] = {
    {0x00C0, 0x024F, Script::kLatin},    {0x0370, 0x03FF, Script::kGreek},
    {0x0400, 0x052F, Script::kCyrillic}, {0x0590, 0x05FF, Script::kHebrew},
    {0x0600, 0x06FF, Script::kArabic},   {0x0750, 0x077F, Script::kArabic},
    {0x08A0, 0x08FF, Script::kArabic},   {0x0900, 0x097F, Script::kDevanagari},
    {0x0E00, 0x0E7F, Script::kThai},     {0x1100, 0x11FF, Script::kHangul},
    {0x1E00, 0x1EFF, Script::kLatin},    {0x1F00, 0x1FFF, Script::kGreek},
    {0x3040, 0x30FF, Script::kKana},     {0x3130, 0x318F, Script::kHangul},
    {0x3400, 0x4DBF, Script::kHan},      {0x4E00, 0x9FFF, Script::kHan},
    {0xAC00, 0xD7AF, Script::kHangul},   {0xF900, 0xFAFF, Script::kHan},
    {0xFB50, 0xFDFF, Script::kArabic},   {0xFE70, 0xFEFF, Script::kArabic},
    {0xFF66, 0xFF9F, Script::kKana},     {0x20000, 0x3FFFF, Script::kHan},
};

Script script_of(char32_t c) {
  const auto* found = std::lower_bound(std::begin(kRanges), std::end(kRanges), c,
                                       [](const Range& range, char32_t value) { return range.last < value; });
  return found != std::end(kRanges) && found->first <= c ? found->script : Script::kOther;
}

}  // namespace

std::string_view name_of(Script script) {
  constexpr std::array<std::string_view, kNumScripts> kNames{
      "none",       "Latin", "Hangul", "Kana", "Han",   "Cyrillic", "Arabic",
      "Devanagari", "Greek", "Hebrew", "Thai", "other", "mixed"};
  return kNames[static_cast<std::size_t>(script)];
}

void ScriptCounts::add(std::string_view utf8) {
  const CharClasses& classes = CharClasses::instance();
  std::uint64_t latin = 0;
  for (std::size_t at = 0; at < utf8.size();) {
    const auto first = static_cast<unsigned char>(utf8[at]);
    if (first < 0x80) {
      latin += (first | 0x20u) >= 'a' && (first | 0x20u) <= 'z';
      ++at;
      continue;
    }
    const DecodedChar decoded = decode_valid(utf8.data() + at);
    at += decoded.num_bytes;
    if (classes.of(decoded.value) & kLetter) ++counts_[static_cast<std::size_t>(script_of(decoded.value))];
  }
  counts_[static_cast<std::size_t>(Script::kLatin)] += latin;
}

std::uint64_t ScriptCounts::letters() const {
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

Script ScriptCounts::main() const {
  std::array<std::uint64_t, kNumScripts> counts = counts_;
  std::uint64_t& han = counts[static_cast<std::size_t>(Script::kHan)];
  std::uint64_t& kana = counts[static_cast<std::size_t>(Script::kKana)];
  if (kana > 0) kana += std::exchange(han, 0);
  const std::uint64_t all = letters();
  if (all == 0) return Script::kNone;
  const auto most = static_cast<std::size_t>(std::max_element(counts.begin(), counts.end()) - counts.begin());
  return counts[most] * 2 > all ? static_cast<Script>(most) : Script::kMixed;
}

}  // namespace caravan::data
