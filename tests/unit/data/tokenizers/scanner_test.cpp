// The hand-written scanners against the regular expressions they stand for, run by PCRE2.
#include "data/tokenizers/scanner.h"

#include <gtest/gtest.h>
#include <unicode/uchar.h>

#include <random>

#include "data/error.h"
#include "data/tokenizers/regex.h"
#include "data/tokenizers/unicode.h"

namespace caravan::data {
namespace {

const std::string kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string kO200k =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"(\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string kTekken = R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|)"
                            R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|)"
                            R"(\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

std::vector<std::string> cut(NextWord next, const std::string& text) {
  std::vector<std::string> words;
  const char* const end = text.data() + text.size();
  for (const char* p = text.data(); p < end;) {
    const char* q = next(p, end);
    EXPECT_GT(q, p);
    words.emplace_back(p, q);
    p = q;
  }
  return words;
}

std::vector<std::string> cut(const Regex& regex, const std::string& text) {
  std::vector<std::string> words;
  std::size_t at = 0;
  for (ByteRange match; at < text.size() && regex.find(text, at, match); at = match.end) {
    EXPECT_EQ(match.begin, at) << "the pattern left a gap";
    words.push_back(text.substr(match.begin, match.end - match.begin));
  }
  EXPECT_EQ(at, text.size());
  return words;
}

// Characters of all the classes that the patterns tell apart, the awkward ones more often.
std::string random_text(std::mt19937& random) {
  static const std::u32string kAwkward =
      U"'''  \t\r\n\n/aAsStTlLdDmMrReEvV1 "
      U"2½²Ⅷ\u00a0\u3000\u0085\u2028\u180e\u200b\u0301\u0345\u02b0ªǅİſ가中カ.!?#_-\U0001f642\u0903";
  std::uniform_int_distribution<std::size_t> length(1, 40), pick(0, kAwkward.size() - 1);
  std::uniform_int_distribution<char32_t> any(1, 0x2ffff);
  std::string text;
  for (std::size_t i = length(random); i > 0; --i) {
    char32_t c = random() % 8 == 0 ? any(random) : kAwkward[pick(random)];
    // PCRE2 10.42 knows Unicode 14; characters that came later, or that ICU does not know yet, are letters to
    // the scanners only.
    UVersionInfo age;
    u_charAge(static_cast<UChar32>(c), age);
    if ((c >= 0xd800 && c < 0xe000) || age[0] > 14 || age[0] == 0) c = U'x';
    append_utf8(c, text);
    if (random() % 6 == 0) text += "ABCabc"[random() % 6];
    if (random() % 50 == 0) text += std::string(random() % 70, "aA 1!\n"[random() % 6]);
  }
  return text;
}

class Scanner : public testing::TestWithParam<std::string> {};

TEST_P(Scanner, CutsAsThePatternDoes) {
  const NextWord next = find_scanner(GetParam());
  ASSERT_NE(next, nullptr);
  const Regex regex(GetParam(), "pattern");
  std::mt19937 random(5);
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = random_text(random);
    ASSERT_EQ(cut(next, text), cut(regex, text)) << "\"" << text << "\"";
  }
}

INSTANTIATE_TEST_SUITE_P(Patterns, Scanner,
                         testing::Values(std::string(kGpt2Pattern), std::string(kLlama3Pattern), kQwen2,
                                         kO200k, kTekken));

TEST(Scanner, UnknownPatternsHaveNone) {
  EXPECT_EQ(find_scanner(R"(\p{L}+)"), nullptr);
  EXPECT_EQ(find_scanner(std::string(kGpt2Pattern) + " "), nullptr);
}

TEST(Regex, ConstructsWithAnotherMeaningAreRefused) {
  for (const char* pattern : {R"(\h)", R"([a&&b])", R"([a[bc]])", R"([\W])", "\\", "(", "[a"}) {
    EXPECT_THROW(Regex(pattern, "file.key"), Error) << pattern;
  }
  EXPECT_THROW(Regex(std::string(1 << 17, 'a'), "file.key"), Error);
}

TEST(Regex, AnIntervalWithPlusRepeatsAsOnigurumaReadsIt) {
  EXPECT_EQ(translate_pattern(R"(\p{N}{1,3}+)", "k"), R"((?:\p{N}{1,3})+)");
  EXPECT_EQ(translate_pattern(R"(a(b|[c}]){2}+d)", "k"), R"(a(?:(b|[c}]){2})+d)");
  EXPECT_EQ(translate_pattern(R"(é{,2}\x{e9}+x{a}[{1}+])", "k"), R"(é{0,2}\x{e9}+x{a}[{1}+])");
  EXPECT_EQ(translate_pattern(R"(aé{1}+\.{2}+)", "k"), R"(a(?:é{1})+(?:\.{2})+)");
}

TEST(Regex, SpaceIsWhiteSpaceOfUnicodeEverywhere) {
  const Regex inside("[^\\s]+", "k"), plain("\\s", "k"), not_space("\\S", "k"), both("[\\S ]", "k");
  for (char32_t c = 1; c < 0x3100; ++c) {
    std::string text;
    append_utf8(c, text);
    const bool is_space = CharClasses::instance().of(c) & kSpace;
    ByteRange match;
    EXPECT_EQ(plain.find(text, 0, match), is_space) << std::hex << static_cast<unsigned>(c);
    EXPECT_EQ(inside.find(text, 0, match), !is_space) << std::hex << static_cast<unsigned>(c);
    EXPECT_EQ(not_space.find(text, 0, match), !is_space) << std::hex << static_cast<unsigned>(c);
    EXPECT_EQ(both.find(text, 0, match), !is_space || c == ' ') << std::hex << static_cast<unsigned>(c);
  }
}

TEST(Regex, WorkOnATextIsBounded) {
  const Regex regex("(a+)+$", "file.key");
  ByteRange match;
  EXPECT_THROW(regex.find(std::string(5000, 'a') + "!", 0, match), Error);
}

}  // namespace
}  // namespace caravan::data
