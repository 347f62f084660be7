// Where a prompt ends and a choice begins, in tokens of a small tokenizer.
#include "data/evaluation/item_tokens.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "recipes/text_front.h"
#include "tests/unit/recipes/commands/demo_checkpoint.h"

namespace caravan::data {
namespace {

class ItemTokensTest : public testing::Test {
 protected:
  recipes::TextFront front_ = recipes::load_text_front(tests::demo_checkpoint(), "", "auto", true);
  ItemTokens tokens_{*front_.tokenizer, &*front_.chat_template, front_.variables, Date{}};
};

TEST_F(ItemTokensTest, AChoiceIsWhatThePromptLacks) {
  TaskItem item;
  item.context = "two plus two is";
  item.choices = {" four", " five"};
  const ScoredIds scored = tokens_.choice(item, 0);
  EXPECT_EQ(scored.ids, front_.tokenizer->encode_plain("two plus two is four"));
  EXPECT_EQ(scored.first, front_.tokenizer->encode_plain("two plus two is").size());
}

TEST_F(ItemTokensTest, BlanksAtTheEndOfThePromptBelongToTheChoice) {
  TaskItem item;
  item.context = "two plus two is ";
  item.choices = {"four"};
  const ScoredIds scored = tokens_.choice(item, 0);
  EXPECT_EQ(scored.first, front_.tokenizer->encode_plain("two plus two is").size());
}

TEST_F(ItemTokensTest, WithoutAPromptAChoiceFollowsTheBeginning) {
  TaskItem item;
  item.choices = {"four"};
  const ScoredIds scored = tokens_.choice(item, 0);
  EXPECT_EQ(scored.first, 1u);
  EXPECT_TRUE(front_.tokenizer->is_special(scored.ids[0]));
}

TEST_F(ItemTokensTest, WindowsScoreEveryTokenOnce) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "five plus " + std::to_string(i) + " ";
  const std::vector<std::int32_t> ids = front_.tokenizer->encode_plain(text);
  const std::vector<ScoredIds> windows = tokens_.windows(text, 50);
  std::vector<std::int32_t> scored;
  for (const ScoredIds& window : windows) {
    EXPECT_LE(window.ids.size(), 51u);
    EXPECT_GE(window.first, 1u);
    scored.insert(scored.end(), window.ids.begin() + static_cast<std::ptrdiff_t>(window.first),
                  window.ids.end());
  }
  EXPECT_EQ(scored, ids);
  EXPECT_EQ(windows.back().ids.size(), 51u) << "the last one reads as far back as it can";
  EXPECT_EQ(windows[1].first, 1u);
}

}  // namespace
}  // namespace caravan::data
