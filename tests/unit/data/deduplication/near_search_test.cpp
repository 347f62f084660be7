// Near search on rows made for one property each.
#include "data/deduplication/near_search.h"

#include <gtest/gtest.h>

#include <random>

#include "data/deduplication/near_clusters.h"
#include "data/deduplication/shingles.h"
#include "data/error.h"
#include "tests/unit/data/deduplication/duplicate_search.h"

namespace caravan::data {
namespace {

using tests::find_duplicates;
using tests::make_row;

std::string random_words(std::mt19937& random, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += "w" + std::to_string(random() % 5000) + " ";
  return text;
}

// Texts and copies with a few words changed, in an order that mixes them.
std::vector<Conversation> mixed_rows(std::size_t count) {
  std::mt19937 random(3);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < count; ++i) {
    if (i % 3 != 0 || texts.empty()) {
      texts.push_back(random_words(random, 20 + random() % 100));
      continue;
    }
    std::string copy = texts[random() % texts.size()];
    for (std::size_t k = random() % 4; k > 0; --k)
      copy.replace(copy.find(' ', random() % (copy.size() - 9)), 1, " x ");
    texts.push_back(copy);
  }
  std::vector<Conversation> rows;
  for (const std::string& text : texts) rows.push_back(make_row(text));
  return rows;
}

// All pairs compared one by one, the definition.
std::vector<std::uint32_t> plain_leaders(const std::vector<Conversation>& rows, const NearOptions& options) {
  RowKeys keys(options.key);
  std::vector<std::vector<std::uint64_t>> shingles(rows.size());
  std::vector<std::uint32_t> leader(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    make_shingles(keys.words(rows[i]), options.shingle_words, shingles[i]);
  for (std::uint32_t i = 0; i < rows.size(); ++i) {
    leader[i] = i;
    for (std::uint32_t j = 0; j < i; ++j) {
      if (jaccard(shingles[i], shingles[j]) < options.threshold) continue;
      const std::uint32_t low = std::min(leader[i], leader[j]), high = std::max(leader[i], leader[j]);
      for (std::uint32_t& other : leader) other = other == high ? low : other;
    }
  }
  return leader;
}

TEST(NearSearch, EqualsComparingAllPairs) {
  const auto rows = mixed_rows(400);
  for (const double threshold : {0.5, 0.7, 0.8, 0.9, 1.0}) {
    NearOptions options;
    options.threshold = threshold;
    NearSearch search(options);
    EXPECT_EQ(tests::search_leaders(search, options.key, rows), plain_leaders(rows, options)) << threshold;
  }
}

TEST(NearSearch, DoesNotDependOnThreads) {
  const auto rows = mixed_rows(600);
  NearSearch one({}), four({});
  EXPECT_EQ(tests::search_leaders(one, KeyKind::kText, rows, 1),
            tests::search_leaders(four, KeyKind::kText, rows, 4));
}

TEST(NearSearch, EqualRowsCostOneComparisonEach) {
  std::mt19937 random(1);
  const std::string text = random_words(random, 50);
  std::vector<Conversation> rows(100000, make_row(text));
  NearSearch search({});
  const auto leaders = tests::search_leaders(search, KeyKind::kText, rows);
  EXPECT_EQ(choose_kept(leaders, {}).num_dropped, rows.size() - 1);
  EXPECT_EQ(search.clusters().num_comparisons(), 0u);
}

// Each differs from the others in one word: one comparison joins a row to all of them.
TEST(NearSearch, NearCopiesOfOneTextAreNotQuadratic) {
  std::mt19937 random(1);
  const std::string text = random_words(random, 100);
  std::vector<Conversation> rows;
  for (int i = 0; i < 5000; ++i) rows.push_back(make_row(text + " number" + std::to_string(i)));
  for (const Linkage linkage : {Linkage::kConnected, Linkage::kGreedy}) {
    NearOptions options;
    options.linkage = linkage;
    NearSearch search(options);
    EXPECT_EQ(choose_kept(tests::search_leaders(search, KeyKind::kText, rows), {}).num_dropped,
              rows.size() - 1);
    EXPECT_LE(search.clusters().num_comparisons(), 2 * rows.size());
    EXPECT_EQ(search.clusters().num_rows_cut_short(), 0u);
  }
}

// Sketches tell texts apart: what shares nothing is not compared, or every row would be with a thousand
// others.
TEST(NearSearch, RowsThatShareNothingAreNotCompared) {
  std::mt19937 random(2);
  std::vector<Conversation> rows;
  for (int i = 0; i < 3000; ++i) rows.push_back(make_row(random_words(random, 60)));
  NearSearch search({});
  EXPECT_EQ(choose_kept(tests::search_leaders(search, KeyKind::kText, rows), {}).num_dropped, 0u);
  EXPECT_EQ(search.clusters().num_comparisons(), 0u);
  EXPECT_FALSE(search.needs_comparison(0));
}

TEST(NearSearch, RowsWithoutWordsAreLikeNoOther) {
  const Duplicates found =
      find_duplicates({}, {make_row(""), make_row("..."), make_row(""), make_row("a"), make_row("A")});
  EXPECT_EQ(found.kept_for, (std::vector<std::uint32_t>{0, 1, 2, 3, 3}));
}

TEST(NearSearch, OneWordAMillionTimes) {
  std::string text;
  for (int i = 0; i < 200000; ++i) text += "word ";
  const Duplicates found =
      find_duplicates({}, {make_row(text), make_row("word word word word word"), make_row("word")});
  EXPECT_EQ(found.kept_for, (std::vector<std::uint32_t>{0, 0, 2}));
}

TEST(NearSearch, PromptKeyIgnoresAnswers) {
  NearOptions options;
  options.key = KeyKind::kPrompt;
  const std::vector<Conversation> rows = {make_row("one two three four five six", "a"),
                                          make_row("one two three four five six", "something else entirely")};
  EXPECT_EQ(find_duplicates(options, rows).num_dropped, 1u);
  EXPECT_EQ(find_duplicates({}, rows).num_dropped, 0u);
  options.key = KeyKind::kRaw;
  EXPECT_THROW(NearSearch search(options), Error);
}

// Rows of one band that are near no other one: each looks at the others only so far, and that is counted.
TEST(NearClusters, ARowLooksAtSoManyOthers) {
  const MinHash min_hash(0.8);
  std::mt19937_64 random(5);
  NearCandidates candidates(min_hash);
  const std::vector<std::uint64_t> keys(min_hash.num_bands(), 7);
  constexpr std::uint32_t kRows = 300;
  for (std::uint32_t row = 0; row < kRows; ++row) {
    MinHashBits bits;
    for (auto& word : bits) word = random();
    candidates.add(row, keys, bits);
  }
  candidates.find(1);
  for (const Linkage linkage : {Linkage::kConnected, Linkage::kGreedy}) {
    NearClusters clusters(candidates, kRows, 0.8, linkage, 100);
    for (std::uint32_t row = 0; row < kRows; ++row) clusters.add(row, {row});
    EXPECT_EQ(clusters.num_comparisons(), 0u);
    EXPECT_GT(clusters.num_rows_cut_short(), 100u);
    EXPECT_LT(clusters.num_rows_cut_short(), kRows);
    NearClusters patient(candidates, kRows, 0.8, linkage);
    for (std::uint32_t row = 0; row < kRows; ++row) patient.add(row, {row});
    EXPECT_EQ(patient.num_rows_cut_short(), 0u);
  }
}

TEST(KeepPolicy, HighestWorthStaysAndTiesGoToTheFirst) {
  const std::vector<std::uint32_t> leader = {0, 1, 0, 0, 1, 5};
  const std::vector<double> worth = {1, 2, 3, 3, 2, 0};
  const Duplicates found = choose_kept(leader, worth);
  EXPECT_EQ(found.kept_for, (std::vector<std::uint32_t>{2, 1, 2, 2, 1, 5}));
  EXPECT_EQ(found.clusters, (std::vector<std::vector<std::uint32_t>>{{0, 2, 3}, {1, 4}}));
  EXPECT_EQ(found.num_dropped, 3u);
}

TEST(MinHash, MissesHardlyAnythingAtItsThreshold) {
  for (const double threshold : {0.3, 0.5, 0.7, 0.8, 0.9, 1.0}) {
    const MinHash min_hash(threshold);
    EXPECT_LE(min_hash.miss_probability(threshold), 0.0005) << threshold;
    EXPECT_LE(min_hash.num_bands() * min_hash.rows_per_band(), MinHash::kNumMinima);
  }
}

}  // namespace
}  // namespace caravan::data
