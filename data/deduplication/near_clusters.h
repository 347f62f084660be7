// Exact comparison of candidate rows, in row order, and the clusters that follow.
//
// kConnected: whoever is linked by a chain of pairs at or above the threshold is one cluster. kGreedy: a row
// is dropped where a row kept before it is at or above the threshold, so a chain A~B~C with A unlike C keeps
// A and C. Pairs that can change nothing (same cluster, dropped partner) are not compared, so copies of one
// text cost one comparison each. A row is compared with at most kMaxComparisons others and looks at
// kMaxLooks; rows that would need more are counted, never silent. Memory: the shingles of rows that may still
// be asked for.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "data/deduplication/near_candidates.h"

namespace caravan::data {

enum class Linkage : std::uint8_t { kConnected, kGreedy };
constexpr std::array<std::string_view, 2> choice_names(Linkage) {
  return {"connected", "greedy"};
}

// Why a row joined a cluster.
struct NearLink {
  std::uint32_t row = 0;
  std::uint32_t like = 0;  // an earlier row
  double likeness = 0.0;   // their exact Jaccard
};

class NearClusters {
 public:
  static constexpr std::uint32_t kMaxComparisons = 1000;
  static constexpr std::uint32_t kMaxLooks = 1u << 14;

  // `candidates` (after find) must outlive this.
  NearClusters(const NearCandidates& candidates, std::uint32_t num_rows, double threshold, Linkage linkage,
               std::uint32_t max_looks = kMaxLooks);

  // The shingles of a candidate row; `row` rises from call to call.
  void add(std::uint32_t row, std::vector<std::uint64_t> shingles);
  // The first row (kGreedy: the kept row) of the cluster of `row`; `row` itself where it is alone or first.
  std::uint32_t leader(std::uint32_t row);
  const std::vector<NearLink>& links() const { return links_; }
  std::uint64_t num_comparisons() const { return num_comparisons_; }
  std::uint64_t num_rows_cut_short() const { return num_rows_cut_short_; }

 private:
  using Members = std::vector<std::uint32_t>;
  struct Group {
    std::vector<Members> clusters;  // earlier rows of this band, those of one cluster together
    std::uint32_t seen = 0;
  };
  bool may_look() { return ++looks_of_row_ <= max_looks_; }
  std::optional<NearLink> compare(std::uint32_t row, const Members& members);
  bool join_clusters(std::uint32_t row, Group& group);
  bool find_kept(std::uint32_t row, const Group& group);
  void enter(std::uint32_t row, std::uint32_t group_index, bool kept);
  void link(std::uint32_t a, std::uint32_t b);
  void release(std::uint32_t row);

  const NearCandidates& candidates_;
  double threshold_;
  Linkage linkage_;
  std::uint32_t max_looks_;
  std::vector<std::uint32_t> parent_;
  std::vector<std::uint32_t> compared_with_;  // per row: the last row it was compared with, plus one
  std::vector<std::uint32_t> uses_;           // per row: groups in which it may still be asked for
  std::vector<std::vector<std::uint64_t>> shingles_;
  std::vector<Group> groups_;
  std::vector<NearLink> links_;
  std::uint32_t comparisons_of_row_ = 0;
  std::uint32_t looks_of_row_ = 0;
  std::uint64_t num_comparisons_ = 0;
  std::uint64_t num_rows_cut_short_ = 0;
};

}  // namespace caravan::data
