// Stop texts against the plain definition: the first id whose text holds one.
#include "data/tokenizers/stop_text.h"

#include <gtest/gtest.h>

#include <random>

#include "data/error.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/data/tokenizers/small_tokenizer.h"

namespace caravan::data {
namespace {

using Texts = std::vector<std::string>;

class StopTexts : public testing::Test {
 protected:
  // How many ids it takes; 0 where no stop text comes.
  std::size_t ids_until(const std::vector<std::int32_t>& ids, const Texts& stops) {
    StopText watch(*tokenizer_, stops);
    for (std::size_t i = 0; i < ids.size(); ++i)
      if (watch.push(ids[i])) {
        EXPECT_TRUE(watch.push(97)) << "then and ever after";
        return i + 1;
      }
    return 0;
  }

  tests::TempDir folder_;
  std::unique_ptr<Tokenizer> tokenizer_ =
      load_tokenizer(folder_.write("tokenizer.json", tests::small_byte_level().dump()));
};

TEST_F(StopTexts, AreSeenAcrossAndInsideOfTokens) {
  const std::vector<std::int32_t> ids{'a', 257, 'b', 300, 'c'};  // a the b <|end|> c
  EXPECT_EQ(ids_until(ids, {"heb"}), 3u);
  EXPECT_EQ(ids_until(ids, {"h"}), 2u);
  EXPECT_EQ(ids_until(ids, {"bc"}), 5u) << "special tokens are no text";
  EXPECT_EQ(ids_until(ids, {"<|end|>"}), 0u);
  EXPECT_EQ(ids_until(ids, {"zz", "athebc", "eb"}), 3u);
  EXPECT_EQ(ids_until({'a', 5000, 'b'}, {"ab"}), 3u) << "ids of padding are no text";
}

TEST_F(StopTexts, OfSeveralBytesWaitForTheLastOne) {
  EXPECT_EQ(ids_until({0xe2, 0x82, 0xac, 'x'}, {"\xe2\x82\xac"}), 3u);
  EXPECT_EQ(ids_until({0xe2, 0x82, 'x'}, {"\xe2\x82\xac"}), 0u);
}

TEST_F(StopTexts, AnyTextAgainstTheDefinition) {
  std::mt19937 random(5);
  for (int round = 0; round < 500; ++round) {
    std::vector<std::int32_t> ids;
    for (int i = 0; i < 30; ++i) ids.push_back("ab"[random() % 2]);
    Texts stops;
    for (std::size_t n = 1 + random() % 3; n > 0; --n) {
      std::string& stop = stops.emplace_back();
      for (std::size_t i = 1 + random() % 6; i > 0; --i) stop += "ab"[random() % 2];
    }
    const std::string text(ids.begin(), ids.end());
    std::size_t wanted = 0;
    for (std::size_t length = 1; wanted == 0 && length <= text.size(); ++length)
      for (const std::string& stop : stops)
        if (text.substr(0, length).ends_with(stop)) wanted = length;
    EXPECT_EQ(ids_until(ids, stops), wanted) << text;
    if (wanted == 0) continue;
    EXPECT_EQ(cut_at_stop(text, stops, true), text.substr(0, wanted));
    const std::string cut = cut_at_stop(text.substr(0, wanted), stops, false);
    for (const std::string& stop : stops) EXPECT_EQ(cut.find(stop), std::string::npos) << text;
  }
}

TEST_F(StopTexts, CutBeforeOrBehind) {
  const Texts stops{"END", "ND", "\n\n"};
  EXPECT_EQ(cut_at_stop("so it is END more\n\n", stops, false), "so it is ");
  EXPECT_EQ(cut_at_stop("so it is END more\n\n", stops, true), "so it is END");
  EXPECT_EQ(cut_at_stop("nothing", stops, false), "nothing");
  EXPECT_EQ(cut_at_stop("nothing", {}, false), "nothing");
  EXPECT_EQ(cut_at_stop("\n\n", stops, false), "");
}

TEST_F(StopTexts, EachTextHasACheckOfItsOwn) {
  const auto checks = stop_checks(*tokenizer_, {"ab"});
  auto first = checks(), second = checks();
  EXPECT_FALSE(first('a'));
  EXPECT_FALSE(second('b')) << "what the first saw is not its own";
  EXPECT_TRUE(first('b'));
  EXPECT_FALSE(stop_checks(*tokenizer_, {})) << "without stop texts there is nothing to ask";
}

TEST_F(StopTexts, EmptyOnesAreRefused) {
  EXPECT_THROW(StopText(*tokenizer_, {"a", ""}), Error);
  EXPECT_THROW(stop_checks(*tokenizer_, {"a", ""}), Error);
}

}  // namespace
}  // namespace caravan::data
