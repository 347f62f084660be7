// Keys, pairs, clusters and dropped rows against the reference's.
#include <gtest/gtest.h>

#include "data/deduplication/shingles.h"
#include "tests/support/json_file.h"
#include "tests/support/shared_data.h"
#include "tests/unit/data/deduplication/duplicate_search.h"

namespace caravan::data {
namespace {

class DedupGoldens : public testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_SHARED_DATA();
    const auto folder = tests::shared_data() / "goldens/data/dedup";
    for (const Json& json : tests::read_json_lines(folder / "rows.jsonl")) {
      Conversation row;
      row.id = json["id"];
      for (const Json& message : json["messages"])
        row.messages.push_back({message["role"], message["content"], nullptr});
      index_[row.id] = rows_.size();
      rows_.push_back(std::move(row));
    }
    expected_ = tests::read_json(folder / "expected.json");
    pairs_ = tests::read_json_lines(folder / "pairs.jsonl");
    ASSERT_EQ(rows_.size(), expected_["rows"].get<std::size_t>());
  }

  // Groups of more than one row as the reference writes them: lists of ids, sorted.
  Json groups(KeyKind kind) {
    RowKeys keys(kind);
    std::map<Sha256::Digest, std::vector<std::string>> by_key;
    for (const Conversation& row : rows_) by_key[keys.key(row)].push_back(row.id);
    std::vector<std::vector<std::string>> wide;
    for (const auto& [key, ids] : by_key) {
      if (ids.size() > 1) wide.push_back(ids);
    }
    std::sort(wide.begin(), wide.end());
    return wide;
  }

  std::vector<Conversation> rows_;
  std::map<std::string, std::size_t> index_;
  Json expected_;
  std::vector<Json> pairs_;
};

TEST_F(DedupGoldens, ExactGroupsUnderEachKey) {
  const Json& exact = expected_["exact_groups"];
  EXPECT_EQ(groups(KeyKind::kRaw), exact["raw_messages"]);
  EXPECT_EQ(groups(KeyKind::kText), exact["normalised_text"]);
  EXPECT_EQ(groups(KeyKind::kTextWithRoles), exact["normalised_text_with_roles"]);
  EXPECT_EQ(groups(KeyKind::kPrompt), exact["normalised_user_text"]);
}

TEST_F(DedupGoldens, JaccardOfEveryPair) {
  RowKeys keys(KeyKind::kText);
  std::vector<std::vector<std::uint64_t>> shingles(rows_.size());
  for (std::size_t i = 0; i < rows_.size(); ++i) make_shingles(keys.words(rows_[i]), 5, shingles[i]);
  std::size_t at = 0;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    for (std::size_t j = i + 1; j < rows_.size(); ++j) {
      const double likeness = jaccard(shingles[i], shingles[j]);
      if (likeness < 0.2) continue;
      ASSERT_LT(at, pairs_.size());
      const Json& pair = pairs_[at++];
      EXPECT_EQ(pair["a"], rows_[i].id);
      EXPECT_EQ(pair["b"], rows_[j].id);
      EXPECT_EQ(count_shared(shingles[i], shingles[j]), pair["intersection"].get<std::size_t>());
      EXPECT_DOUBLE_EQ(likeness, pair["jaccard"].get<double>());
    }
  }
  EXPECT_EQ(at, pairs_.size());
}

TEST_F(DedupGoldens, ClustersAndDroppedRows) {
  for (const auto& [name, expected] : expected_["near"].items()) {
    NearOptions options;
    options.threshold = std::stod(name);
    const Duplicates connected = tests::find_duplicates(options, rows_);
    std::vector<std::vector<std::string>> clusters;
    std::vector<std::string> dropped, greedy;
    for (const auto& cluster : connected.clusters) {
      auto& ids = clusters.emplace_back();
      for (const std::uint32_t row : cluster) ids.push_back(rows_[row].id);
    }
    EXPECT_EQ(Json(clusters), expected["clusters"]) << name;
    options.linkage = Linkage::kGreedy;
    const Duplicates walked = tests::find_duplicates(options, rows_);
    for (std::uint32_t i = 0; i < rows_.size(); ++i) {
      if (connected.kept_for[i] != i) dropped.push_back(rows_[i].id);
      if (walked.kept_for[i] != i) greedy.push_back(rows_[i].id);
    }
    EXPECT_EQ(Json(dropped), expected["dropped_keep_first_of_cluster"]) << name;
    EXPECT_EQ(Json(greedy), expected["dropped_greedy_in_file_order"]) << name;
  }
}

// Every pair that the reference counts shares a band, and the counts are the reference's.
TEST_F(DedupGoldens, NoPairIsMissed) {
  for (const auto& [name, expected] : expected_["near"].items()) {
    const double threshold = std::stod(name);
    const MinHash min_hash(threshold);
    RowKeys keys(KeyKind::kText);
    std::vector<std::uint64_t> shingles;
    std::vector<std::vector<std::uint64_t>> bands(rows_.size());
    std::vector<MinHashBits> bits(rows_.size());
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      make_shingles(keys.words(rows_[i]), 5, shingles);
      bands[i].resize(min_hash.num_bands());
      if (!shingles.empty()) min_hash.sketch(shingles, bands[i], bits[i]);
    }
    std::size_t num_pairs = 0;
    for (const Json& pair : pairs_) {
      if (pair["jaccard"].get<double>() < threshold) continue;
      ++num_pairs;
      const auto &a = bands[index_[pair["a"]]], &b = bands[index_[pair["b"]]];
      bool meets = false;
      for (std::size_t band = 0; band < a.size(); ++band) meets = meets || a[band] == b[band];
      EXPECT_TRUE(meets) << pair;
      EXPECT_TRUE(min_hash.may_reach(bits[index_[pair["a"]]], bits[index_[pair["b"]]])) << pair;
    }
    EXPECT_EQ(num_pairs, expected["pairs"].get<std::size_t>()) << name;
  }
}

}  // namespace
}  // namespace caravan::data
