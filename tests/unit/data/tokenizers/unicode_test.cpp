#include "data/tokenizers/unicode.h"

#include <gtest/gtest.h>

namespace caravan::data {
namespace {

std::string lossy(std::string_view bytes, Replacement replacement) {
  std::string text;
  append_lossy(bytes, replacement, text);
  return text;
}

TEST(Unicode, ClassesOfKnownCharacters) {
  const CharClasses& classes = CharClasses::instance();
  EXPECT_EQ(classes.of('a'), kLetter | kLower | kWord);
  EXPECT_EQ(classes.of('A'), kLetter | kUpper | kWord);
  EXPECT_EQ(classes.of('7'), kNumber | kWord);
  EXPECT_EQ(classes.of(U'½'), kNumber);
  EXPECT_EQ(classes.of(' '), kSpace);
  EXPECT_EQ(classes.of('\n'), kSpace | kNewline);
  EXPECT_EQ(classes.of(0x85), kSpace);
  EXPECT_EQ(classes.of(0x180e), 0);  // was a space before Unicode 6.3
  EXPECT_EQ(classes.of(0x301), kUpper | kLower | kWord);
  EXPECT_EQ(classes.of(U'가'), kLetter | kUpper | kLower | kWord);
  EXPECT_EQ(classes.of('$'), kPunctuation);  // ASCII punctuation though a symbol
  EXPECT_EQ(classes.of(U'€'), 0);
  EXPECT_EQ(classes.of(0x10ffff), 0);
  EXPECT_EQ(classes.of(0x13460), kLetter | kUpper | kLower | kWord);  // of Unicode 16
}

TEST(Unicode, EveryCharacterRoundTrips) {
  for (char32_t c = 1; c < 0x110000; c += 7) {
    if (c >= 0xd800 && c < 0xe000) continue;
    std::string text;
    append_utf8(c, text);
    ASSERT_EQ(find_invalid_utf8(text), std::string_view::npos);
    ASSERT_EQ(decode_valid(text.data()).value, c);
    ASSERT_EQ(decode_valid(text.data()).num_bytes, text.size());
    ASSERT_EQ(previous_valid(text.data() + text.size()), text.data());
    ASSERT_EQ(announced_length(static_cast<unsigned char>(text[0])), text.size());
  }
}

TEST(Unicode, InvalidBytesAreFoundWhereTheyStand) {
  EXPECT_EQ(find_invalid_utf8("abc\xff"), 3u);
  EXPECT_EQ(find_invalid_utf8("\xc0\x80"), 0u);          // overlong
  EXPECT_EQ(find_invalid_utf8("a\xed\xa0\x80"), 1u);     // a surrogate
  EXPECT_EQ(find_invalid_utf8("\xf4\x90\x80\x80"), 0u);  // above U+10FFFF
  EXPECT_EQ(find_invalid_utf8("a\xe2\x82"), 1u);         // cut short
}

// One U+FFFD for each maximal part: table 3-8 of the Unicode standard.
TEST(Unicode, ReplacementFollowsTheRule) {
  const std::string bytes =
      "a\xf1\x80\x80\xe1\x80\xc2"
      "b\x80"
      "c\x80\xbf"
      "d";
  const std::string r = "\xef\xbf\xbd";
  EXPECT_EQ(lossy(bytes, Replacement::kPerPart), "a" + r + r + r + "b" + r + "c" + r + r + "d");
  EXPECT_EQ(lossy(bytes, Replacement::kPerByte), "a" + r + r + r + r + r + r + "b" + r + "c" + r + r + "d");
  EXPECT_EQ(lossy("é", Replacement::kPerByte), "é");
}

TEST(Unicode, AnUnfinishedCharacterIsHeldBack) {
  EXPECT_EQ(incomplete_tail("a"), 0u);
  EXPECT_EQ(incomplete_tail("é"), 0u);
  EXPECT_EQ(incomplete_tail("a\xc3"), 1u);
  EXPECT_EQ(incomplete_tail("\xe2\x82"), 2u);
  EXPECT_EQ(incomplete_tail("\xf0\x9f\x99"), 3u);
  EXPECT_EQ(incomplete_tail("\xf0\x9f\x99\x82"), 0u);
  EXPECT_EQ(incomplete_tail("\xe0\x80"), 0u);  // can never become a character
  EXPECT_EQ(incomplete_tail("\x82"), 0u);
  EXPECT_EQ(incomplete_tail(""), 0u);
}

}  // namespace
}  // namespace caravan::data
