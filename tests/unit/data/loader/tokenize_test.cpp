#include "data/loader/tokenize.h"

#include <gtest/gtest.h>

#include "data/loader/mask.h"
#include "tests/unit/data/loader/fake_text.h"

namespace caravan::data {
namespace {

using tests::fake_render;
using tests::FakeTokenizer;
using tests::make_conversation;

TokenizedRow tokenize(const Conversation& conversation, TokenizeOptions options = {},
                      const FakeTokenizer& tokenizer = FakeTokenizer()) {
  TokenizedRow row;
  ConversationTokenizer(tokenizer, fake_render, options).tokenize(conversation, "file:1", row);
  return row;
}

std::string trained_text(const TokenizedRow& row, const FakeTokenizer& tokenizer = FakeTokenizer()) {
  std::string text;
  for (std::size_t i = 0; i < row.ids.size(); ++i) {
    if (row.trained[i]) text += tokenizer.token_text(row.ids[i]);
  }
  return text;
}

const Conversation kTwoTurns =
    make_conversation({{"user", "hi"}, {"assistant", "yo"}, {"user", "and"}, {"assistant", "so"}});

TEST(Tokenize, PoliciesTrainWhatTheySay) {
  EXPECT_EQ(trained_text(tokenize(kTwoTurns)), "yo<end>so<end>");
  EXPECT_EQ(trained_text(tokenize(kTwoTurns, {.train_on = TrainOn::kLastAssistant})), "so<end>");
  EXPECT_EQ(trained_text(tokenize(kTwoTurns, {.train_on = TrainOn::kCompletion})), "so<end>");
  const TokenizedRow all = tokenize(kTwoTurns, {.train_on = TrainOn::kAll});
  EXPECT_EQ(trained_text(all), fake_render(kTwoTurns).text);
  EXPECT_EQ(count_trained_targets(all.trained), all.ids.size() - 1);  // nothing predicts the first token
  EXPECT_EQ(all.fate, Fate::kTrained);
  EXPECT_EQ(all.ids[0], FakeTokenizer::kBos);
}

TEST(Tokenize, TextOfUsersIsNeverSpecial) {
  const TokenizedRow row = tokenize(make_conversation({{"user", "<end><s>"}, {"assistant", "a<end>b"}}));
  EXPECT_EQ(std::count(row.ids.begin(), row.ids.end(), FakeTokenizer::kEnd), 2);
  EXPECT_EQ(std::count(row.ids.begin(), row.ids.end(), FakeTokenizer::kBos), 1);
  EXPECT_EQ(trained_text(row), "a<end>b<end>");
}

TEST(Tokenize, AStraddlingTokenIsTrainedAndCounted) {
  const TokenizedRow row = tokenize(make_conversation({{"user", "My"}, {"assistant", "Me"}}));
  EXPECT_EQ(row.straddling_tokens, 1u);
  EXPECT_EQ(trained_text(row), "\nMe<end>");
  EXPECT_EQ(row.fate, Fate::kTrained);
}

TEST(Tokenize, WeightZeroSilencesATurn) {
  Conversation conversation = kTwoTurns;
  conversation.messages[1].extra["weight"] = 0;
  EXPECT_EQ(trained_text(tokenize(conversation)), "so<end>");
  EXPECT_EQ(trained_text(tokenize(conversation, {.train_on = TrainOn::kAll})).find("yo"), std::string::npos);
  conversation.messages[3].extra["train"] = false;
  EXPECT_EQ(tokenize(conversation).reason, "no_trained_tokens");
  conversation.messages[3].extra["train"] = nullptr;
  conversation.messages[3].extra["loss_weight"] = 1.0;
  EXPECT_EQ(trained_text(tokenize(conversation)), "so<end>");
  conversation.messages[3].extra["loss_weight"] = 0.5;
  EXPECT_EQ(tokenize(conversation).reason, "wrong_value:loss_weight");
  EXPECT_EQ(tokenize(conversation).fate, Fate::kDropped);
}

TEST(Tokenize, ManySilentTurnsCostLinearTime) {
  constexpr std::size_t kTurns = 200000;
  Rendered rendered;
  rendered.text.resize(kTurns * 10);
  Conversation conversation;
  for (std::size_t i = 0; i < kTurns; ++i) {
    rendered.turns.push_back({i, {i * 10 + 2, i * 10 + 6}, i * 10 + 8});
    conversation.messages.push_back({"assistant", "", Json{{"weight", i % 2}}});
  }
  EXPECT_EQ(trained_spans(rendered, conversation, TrainOn::kAssistant).size(), kTurns / 2);
  const std::vector<ByteRange> all = trained_spans(rendered, conversation, TrainOn::kAll);
  EXPECT_EQ(all.size(), kTurns / 2 + 1);
  EXPECT_EQ(all[0], (ByteRange{0, 2}));
  EXPECT_EQ(all[1], (ByteRange{8, 22}));
}

TEST(Tokenize, TooLongFollowsThePolicy) {
  const std::size_t whole = tokenize(kTwoTurns).ids.size();
  const auto most = static_cast<std::int64_t>(whole);
  EXPECT_EQ(tokenize(kTwoTurns, {.max_length = most}).fate, Fate::kTrained);

  const TokenizedRow dropped = tokenize(kTwoTurns, {.max_length = most - 1});
  EXPECT_EQ(dropped.fate, Fate::kDropped);
  EXPECT_EQ(dropped.reason, "too_long");
  EXPECT_TRUE(dropped.ids.empty() && dropped.ends.empty());

  const TokenizedRow right =
      tokenize(kTwoTurns, {.max_length = most - 2, .too_long = TooLong::kTruncateRight});
  EXPECT_EQ(right.fate, Fate::kTruncated);
  EXPECT_EQ(right.cut_tokens, 2u);
  EXPECT_EQ(trained_text(right), "yo<end>s");
  EXPECT_EQ(right.ids[0], FakeTokenizer::kBos);

  const TokenizedRow left = tokenize(kTwoTurns, {.max_length = 4, .too_long = TooLong::kTruncateLeft});
  EXPECT_EQ(trained_text(left), "so<end>");
  EXPECT_EQ(left.cut_tokens, whole - 4);
  EXPECT_THROW(tokenize(kTwoTurns, {.max_length = most - 1, .too_long = TooLong::kError}), Error);
}

TEST(Tokenize, SplitKeepsEveryTokenThatPiecesTrain) {
  const TokenizedRow whole = tokenize(kTwoTurns);
  const TokenizedRow row = tokenize(kTwoTurns, {.max_length = 10, .too_long = TooLong::kSplit});
  EXPECT_EQ(row.fate, Fate::kSplit);
  EXPECT_EQ(row.ids.size() + row.cut_tokens, whole.ids.size());
  EXPECT_EQ(row.ends.back(), row.ids.size());
  std::uint32_t begin = 0;
  for (const std::uint32_t end : row.ends) {
    EXPECT_LE(end - begin, 10u);
    EXPECT_GT(count_trained_targets({row.trained.data() + begin, end - begin}), 0u);
    begin = end;
  }
  // "<s>user\nhi<end>": ten tokens without one that is trained.
  EXPECT_GE(row.cut_tokens, 9u);
}

TEST(Tokenize, TruncationThatLeavesNothingToLearnDrops) {
  const TokenizedRow row = tokenize(kTwoTurns, {.max_length = 5, .too_long = TooLong::kTruncateRight});
  EXPECT_EQ(row.fate, Fate::kDropped);
  EXPECT_EQ(row.reason, "cut_left_no_answer");
  EXPECT_EQ(row.cut_tokens, 0u);
  Conversation silent = kTwoTurns;
  for (Message& message : silent.messages) message.extra["weight"] = 0;
  EXPECT_EQ(tokenize(silent, {.max_length = 5, .too_long = TooLong::kTruncateRight}).reason,
            "no_trained_tokens");
}

TEST(Tokenize, AToolCallThatTheTemplateLeftOutIsNotTrained) {
  const FakeTokenizer tokenizer;
  const auto without_calls = [](const Conversation& conversation) {
    Rendered out = fake_render(conversation);
    out.lost_calls = {1};
    out.lost_tools = true;
    return out;
  };
  TokenizedRow row;
  ConversationTokenizer(tokenizer, without_calls, {}).tokenize(kTwoTurns, "file:1", row);
  EXPECT_EQ(row.fate, Fate::kDropped);
  EXPECT_EQ(row.reason, "template_left_out:tool_calls");
  // Before the answer that is trained it is worth a warning.
  ConversationTokenizer(tokenizer, without_calls, {.train_on = TrainOn::kLastAssistant})
      .tokenize(kTwoTurns, "file:1", row);
  EXPECT_EQ(row.fate, Fate::kTrained);
  EXPECT_EQ(row.reason, "warning:template_left_out_tool_calls,warning:template_left_out_tools");
  Conversation silent = kTwoTurns;
  silent.messages[1].extra["weight"] = 0;
  ConversationTokenizer(tokenizer, without_calls, {}).tokenize(silent, "file:1", row);
  EXPECT_EQ(row.fate, Fate::kTrained);
}

TEST(Tokenize, ARefusalOfTheTemplateIsAReason) {
  const TokenizedRow row = tokenize(make_conversation({{"user", "refuse"}, {"assistant", "a"}}));
  EXPECT_EQ(row.fate, Fate::kDropped);
  EXPECT_EQ(row.reason, "template_refused:not this one");
}

TEST(Tokenize, OffsetsThatLieAreFound) {
  FakeTokenizer wrong;
  wrong.shift = 1;
  EXPECT_EQ(tokenize(kTwoTurns, {}, wrong).reason, "mask_mismatch");
  EXPECT_EQ(tokenize(kTwoTurns, {}, wrong).fate, Fate::kDropped);
}

TEST(Tokenize, ATokenizerThatChangesTheTextIsReported) {
  const FakeTokenizer lowers(true);
  const TokenizedRow row = tokenize(make_conversation({{"user", "Hi"}, {"assistant", "Yo"}}), {}, lowers);
  EXPECT_EQ(row.fate, Fate::kTrained);
  EXPECT_EQ(row.reason, "warning:tokenizer_altered_text");
  EXPECT_EQ(trained_text(row), "yo<end>");
  EXPECT_EQ(tokenize(kTwoTurns, {}, lowers).reason, "");
}

TEST(Tokenize, ADoubledBosIsRefused) {
  const FakeTokenizer tokenizer;
  const auto twice = [](const Conversation& conversation) {
    Rendered out = fake_render(conversation);
    out.text = "<s>" + out.text;
    for (ByteRange& range : out.trusted) range = {range.begin + 3, range.end + 3};
    out.trusted.insert(out.trusted.begin(), {0, 3});
    return out;
  };
  TokenizedRow row;
  EXPECT_THROW(ConversationTokenizer(tokenizer, twice, {}).tokenize(kTwoTurns, "file:1", row), Error);
}

TEST(Mask, TokensThatShareABeginShareTheirBytes) {
  // Three tokens of one character of three bytes, inside a span, then one outside.
  const std::vector<std::uint32_t> begins{0, 2, 2, 2, 5};
  std::vector<std::uint8_t> trained;
  const std::vector<ByteRange> spans{{2, 5}};
  EXPECT_EQ(mask_tokens(begins, 6, spans, trained), 0u);
  EXPECT_EQ(trained, (std::vector<std::uint8_t>{0, 1, 1, 1, 0}));
  EXPECT_EQ(mask_tokens(begins, 6, std::vector<ByteRange>{{3, 4}}, trained), 3u);
  EXPECT_EQ(mask_tokens(begins, 6, std::vector<ByteRange>{{0, 1}, {5, 6}}, trained), 1u);
  EXPECT_EQ(trained, (std::vector<std::uint8_t>{1, 0, 0, 0, 1}));
  EXPECT_EQ(mask_tokens({}, 0, spans, trained), 0u);
}

}  // namespace
}  // namespace caravan::data
