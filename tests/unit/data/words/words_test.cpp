// Words against the reference's tokens, and the second folding against disguises.
#include "data/words/words.h"

#include <gtest/gtest.h>

#include <random>

#include "data/sha256.h"
#include "tests/support/json_file.h"
#include "tests/support/shared_data.h"

namespace caravan::data {
namespace {

std::vector<std::string> words_of(std::string_view text, Folding folding = Folding::kReference) {
  Words words;
  WordSplitter(folding).split(text, words);
  std::vector<std::string> all;
  for (std::size_t i = 0; i < words.size(); ++i) all.emplace_back(words.letters(i));
  return all;
}

using Strings = std::vector<std::string>;

TEST(Words, EqualTheReferencesTokens) {
  SKIP_WITHOUT_SHARED_DATA();
  const auto rows =
      tests::read_json_lines(tests::shared_data() / "goldens/data/decontamination/tokenisation.jsonl");
  ASSERT_FALSE(rows.empty());
  for (const Json& row : rows) {
    EXPECT_EQ(words_of(row["text"].get<std::string>()), row["tokens"].get<Strings>()) << row["text"];
  }
}

TEST(Words, EqualTheReferencesKeysOfWholeRows) {
  SKIP_WITHOUT_SHARED_DATA();
  const auto folder = tests::shared_data() / "goldens/data/dedup";
  const auto rows = tests::read_json_lines(folder / "rows.jsonl");
  const auto keys = tests::read_json_lines(folder / "keys.jsonl");
  ASSERT_EQ(rows.size(), keys.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::string text, joined;
    for (const Json& message : rows[i]["messages"]) {
      if (&message != &rows[i]["messages"].front()) text += "\n";
      text += message["content"].get<std::string>();
    }
    const Strings words = words_of(text);
    for (const std::string& word : words) joined += (joined.empty() ? "" : " ") + word;
    EXPECT_EQ(words.size(), keys[i]["tokens"].get<std::size_t>());
    EXPECT_EQ(sha256_hex(joined), keys[i]["sha256_of_normalised_text"].get<std::string>()) << rows[i]["id"];
  }
}

// Blocks of 32 bytes, whatever lies on their borders.
TEST(Words, DoNotDependOnWhereTheyStand) {
  const std::string text =
      "Ab, c\xcc\x81 \xe2\x80\x9c"
      "DEF\xe2\x80\x9d \xe4\xb8\xad\xe6\x96\x87 gh";
  const Strings expected = words_of(text);
  ASSERT_EQ(expected, (Strings{"ab", "\xc4\x87", "def", "\xe4\xb8\xad", "\xe6\x96\x87", "gh"}));
  for (std::size_t pad = 0; pad < 70; ++pad)
    EXPECT_EQ(words_of(std::string(pad, ' ') + text), expected) << pad;
}

TEST(Words, SpansPointIntoTheText) {
  const std::string text = "One  \xef\xbc\xb4wo\xe2\x80\x8b, caf\x65\xcc\x81 \xe4\xb8\xad\xe6\x96\x87!";
  Words words;
  WordSplitter(Folding::kReference).split(text, words);
  Strings sources;
  for (const Word& word : words.all())
    sources.push_back(text.substr(word.source_begin, word.source_end - word.source_begin));
  EXPECT_EQ(sources, (Strings{"One", "\xef\xbc\xb4wo\xe2\x80\x8b", "caf\x65\xcc\x81", "\xe4\xb8\xad",
                              "\xe6\x96\x87"}));
}

TEST(Words, GreekSigmaLooksAtItsNeighbours) {
  EXPECT_EQ(words_of("ΟΔΟΣ ΣΑ Σ"), (Strings{"οδος", "σα", "σ"}));
  EXPECT_EQ(words_of("ΑΣ\u0301Α"), (Strings{"ασ\u0301α"}));
}

// Joined words are made another way, without a list.
TEST(Words, JoinedAreTheListedOnes) {
  const Strings pieces = {"a",
                          "Word",
                          "word2",
                          " ",
                          ", ",
                          "-",
                          "\n",
                          "\xcc\x81",
                          "\xc3\xa9",
                          "\xce\xa3",
                          "\xe2\x80\x8b",
                          "\xe4\xb8\xad",
                          "\xe3\x81\x82",
                          "\xea\xb0\x80",
                          "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8",
                          "\xef\xbc\xa1",
                          "\xef\xac\x81",
                          "\xf0\x9f\x98\x80",
                          "\xf0\x9d\x90\x80",
                          "\xe2\x80\x9c",
                          "averylongwordthatspansmorethanoneblockofbytes",
                          "\xff"};
  std::mt19937 random(4);
  for (const Folding folding : {Folding::kReference, Folding::kLookalikes}) {
    const WordSplitter splitter(folding);
    for (int round = 0; round < 20000; ++round) {
      std::string expected, joined;
      for (std::size_t text = random() % 3 + 1; text > 0; --text) {
        std::string made;
        for (std::size_t i = random() % 24; i > 0; --i) made += pieces[random() % pieces.size()];
        for (const std::string& word : words_of(made, folding)) expected += word + " ";
        splitter.append_joined(made, joined);
      }
      ASSERT_EQ(joined, expected) << round;
    }
  }
}

TEST(Words, EqualHashesForEqualWordsOnly) {
  Words words;
  WordSplitter(Folding::kReference)
      .split("Word wordWORD word. \xef\xbd\x97ord a ab abcdefgh abcdefghi abcdefghijklmnopqrstuvwxyz", words);
  for (std::size_t i = 0; i < words.size(); ++i) {
    EXPECT_EQ(words[i].hash, hash_letters(words.letters(i)));
    for (std::size_t j = 0; j < i; ++j)
      EXPECT_EQ(words[i].hash == words[j].hash, words.letters(i) == words.letters(j));
  }
}

TEST(Words, LookalikesReadThroughDisguises) {
  const Strings plain = {"a", "space", "for", "people"};
  for (const char* text :
       {"A space for people", "А ѕрасе fоr реорӏе", "a s\u0337p\u0301ace f\u00f6r people",
        "a sp\ufe0face f\u034for peo\u200bple", "ａ ｓｐａｃｅ ｆｏｒ ｐｅｏｐｌｅ", "𝐚 𝓼𝓹𝓪𝓬𝓮 𝕗𝕠𝕣 𝚙𝚎𝚘𝚙𝚕𝚎"}) {
    EXPECT_EQ(words_of(text, Folding::kLookalikes), plain) << text;
  }
  EXPECT_NE(words_of("А ѕрасе fоr реорӏе"), plain);
}

// A mark joins the letter before it, and not the broken byte before that.
TEST(Words, BrokenBytesArePartOfNoWord) {
  EXPECT_EQ(words_of("\xc4"
                     "A\xcc\x87 \xe2v\x8b\xcc"
                     "e \xed\xa0\x80 \xc0\xaf b"),
            (Strings{"\xc8\xa7", "v", "e", "b"}));
}

TEST(Words, HostileTextEndsSoon) {
  std::string marks = "a";
  for (int i = 0; i < 300000; ++i) marks += i % 2 ? "\u0301" : "\u0323";
  EXPECT_EQ(words_of(marks).size(), 1u);
  std::string sigmas;
  for (int i = 0; i < 100000; ++i) sigmas += "\u03a3'";
  EXPECT_EQ(words_of(sigmas).size(), 100000u);
  EXPECT_TRUE(words_of(std::string(1 << 20, '\0')).empty());
  words_of("\x80\xcc\x81\xff\xe4\xb8");  // no UTF-8: any words, no crash
}

}  // namespace
}  // namespace caravan::data
