#include "data/filters/keyword_search.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "data/error.h"
#include "data/filters/keyword_lists.h"
#include "tests/support/temp_dir.h"

namespace caravan::data {
namespace {

std::vector<Keyword> keywords(std::initializer_list<const char*> texts) {
  std::vector<Keyword> list;
  for (const char* text : texts) list.push_back({.text = text});
  return list;
}

// "name[begin,end)" of the match, or "none".
std::string found(const KeywordSearch& search, std::string_view text) {
  std::string folded;
  KeywordMatch match;
  if (!search.find(text, folded, match)) return "none";
  return search.keyword(match.keyword).name + '[' + std::to_string(match.begin) + ',' +
         std::to_string(match.end) + ')';
}

TEST(KeywordSearch, FindsWhatEndsFirstAndTheLongestOfThat) {
  const KeywordSearch search(keywords({"he", "she", "his", "hers"}), {true, false});
  EXPECT_EQ(found(search, "ushers"), "she[1,4)");
  EXPECT_EQ(found(search, "HIS"), "his[0,3)");
  EXPECT_EQ(found(search, "ahehe"), "he[1,3)");
  EXPECT_EQ(found(search, "xyz"), "none");
  EXPECT_EQ(found(search, ""), "none");
}

TEST(KeywordSearch, AShorterKeywordThatEndsInsideALongerOneIsNotLost) {
  // "abcd" fails at the e; "bc" ended on its way.
  EXPECT_EQ(found(KeywordSearch(keywords({"abcd", "bc"}), {true, false}), "abce"), "bc[1,3)");
  // With whole words, one match that is inside a word does not hide another that is not.
  EXPECT_EQ(found(KeywordSearch(keywords({"b c", "c"}), {true, true}), "ab c"), "c[3,4)");
}

TEST(KeywordSearch, WholeWordsAreThoseOfUnicode) {
  const KeywordSearch search(keywords({"bard"}), {true, true});
  EXPECT_EQ(found(search, "a Bard."), "bard[2,6)");
  EXPECT_EQ(found(search, "bards"), "none");
  EXPECT_EQ(found(search, "_bard"), "none");
  EXPECT_EQ(found(search, "bardé"), "none");
  EXPECT_EQ(found(search, "bard는"), "none");
  EXPECT_EQ(found(search, "bard。"), "bard[0,4)");
  EXPECT_EQ(found(KeywordSearch(keywords({"bard"}), {true, false}), "bard는"), "bard[0,4)");
}

TEST(KeywordSearch, CaseBeyondAsciiIsFoldedAndPlacesAreThoseOfTheText) {
  const KeywordSearch search(keywords({"ÉCOLE", "straße"}), {true, true});
  EXPECT_EQ(found(search, "Ⱥ l'école"), "ÉCOLE[5,11)");  // Ⱥ folds to a letter of three bytes
  EXPECT_EQ(found(search, "Straße"), "straße[0,7)");
  const KeywordSearch exact(keywords({"École", "GPT"}), {false, true});
  EXPECT_EQ(found(exact, "école gpt"), "none");
  EXPECT_EQ(found(exact, "École"), "École[0,6)");
}

TEST(KeywordSearch, WhatMustFollowAnyCharacter) {
  const KeywordSearch search({{.text = "GPT-3", .after_any = "5", .name = "dotted"}}, {true, true});
  EXPECT_EQ(found(search, "gpt-3.5"), "dotted[0,7)");
  EXPECT_EQ(found(search, "gpt-3é5!"), "dotted[0,8)");
  EXPECT_EQ(found(search, "gpt-3\n5"), "none");
  EXPECT_EQ(found(search, "gpt-3.55"), "none");
  EXPECT_EQ(found(search, "gpt-3."), "none");
  EXPECT_EQ(found(search, "gpt-3"), "none");
}

// Every place of the text tried with every keyword.
std::string found_slowly(const std::vector<Keyword>& list, std::string_view text) {
  for (std::size_t end = 1; end <= text.size(); ++end) {
    const Keyword* longest = nullptr;
    for (const Keyword& keyword : list)
      if (text.substr(0, end).ends_with(keyword.text) &&
          (longest == nullptr || keyword.text.size() > longest->text.size()))
        longest = &keyword;
    if (longest != nullptr)
      return longest->text + '[' + std::to_string(end - longest->text.size()) + ',' + std::to_string(end) +
             ')';
  }
  return "none";
}

// Few keywords jump from beginning to beginning, many do not; what is found is the same.
TEST(KeywordSearch, FindsWhatTryingEveryPlaceFinds) {
  std::mt19937 random(7);
  const auto text = [&](std::size_t size, unsigned letters) {
    std::string made;
    for (std::size_t i = 0; i < size; ++i) made += static_cast<char>('a' + random() % letters);
    return made;
  };
  for (int round = 0; round < 400; ++round) {
    std::vector<Keyword> list;
    std::set<std::string> known;
    const std::size_t count = round % 2 == 0 ? 6 : 60;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string one = text(1 + random() % 7 + static_cast<std::size_t>(round % 4), 12);
      if (known.insert(one).second) list.push_back({.text = one});
    }
    const KeywordSearch search(list, {false, false});
    for (int i = 0; i < 20; ++i) {
      const std::string one = text(random() % 150, 12);
      ASSERT_EQ(found(search, one), found_slowly(list, one)) << one;
    }
  }
}

TEST(KeywordLists, AFileHasAKeywordALine) {
  const tests::TempDir dir;
  const std::vector<Keyword> list =
      read_keyword_file(dir.write("list.txt", "\xEF\xBB\xBF# names\n  Sydney \r\n\nAcme Bot"));
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].text, "Sydney");
  EXPECT_EQ(list[1].text, "Acme Bot");
}

TEST(KeywordLists, FilesThatAreNoListsAreRefused) {
  const tests::TempDir dir;
  const auto refusal = [](const std::string& path) {
    try {
      read_keyword_file(path);
    } catch (const Error& error) {
      return std::to_string(error.exit_code()) + ' ' + error.what();
    }
    return std::string("read");
  };
  EXPECT_EQ(refusal(dir.write("empty", "# only this\n\n")).substr(0, 2), "65");
  EXPECT_NE(refusal(dir.write("bytes", "ok\n\xff\n")).find("not UTF-8 at byte 3"), std::string::npos);
  EXPECT_NE(refusal(dir.write("long", std::string(KeywordSearch::kMaxBytes + 1, 'a'))).find("more than"),
            std::string::npos);
  EXPECT_EQ(refusal((dir / "absent").string()).substr(0, 2), "74");
  EXPECT_EQ(refusal((dir / "").string()).substr(0, 2), "74");
}

}  // namespace
}  // namespace caravan::data
