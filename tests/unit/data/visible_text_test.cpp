#include "data/visible_text.h"

#include <gtest/gtest.h>

namespace caravan::data {
namespace {

TEST(VisibleText, WritesOutWhatCannotBeSeen) {
  EXPECT_EQ(visible_text("plain, 한국어 é", 40), "plain, 한국어 é");
  EXPECT_EQ(visible_text("a\nb\tc\x1b[31m\x7f", 40), "a\\nb\\tc\\u{1B}[31m\\u{7F}");
  EXPECT_EQ(visible_text("a\u200bb\u202ec\u0085", 40), "a\\u{200B}b\\u{202E}c\\u{85}");
  EXPECT_EQ(visible_text("a\xff\xc3", 40), "a\\x{FF}\\x{C3}");
}

TEST(VisibleText, IsNeverWiderThanAsked) {
  EXPECT_EQ(visible_text("abcdefgh", 8), "abcdefgh");
  EXPECT_EQ(visible_text("abcdefghi", 8), "abcde...");
  EXPECT_EQ(visible_text("가나다라마바사아자", 8), "가나다라마...");
  EXPECT_EQ(visible_text("abcd\u200befgh", 8), "abcd...");
  EXPECT_EQ(visible_text("abc", 2), "");
  EXPECT_EQ(visible_text("", 0), "");
}

}  // namespace
}  // namespace caravan::data
