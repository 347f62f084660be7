// Near duplicates in two passes over the same rows: sketches first, then the exact comparison of those whose
// sketches meet.
//
//   pass 1  sketch (any thread), add (in row order); then find
//   pass 2  for rows that needs_comparison: shingles (any thread), compare (in row order); then leaders
//
// Goals: results are a function of the rows and their order, never of threads. What is reported as a near
// duplicate is one by exact Jaccard; a pair right at the threshold is missed less than once in two thousand.
// Memory: about 40 bytes and num_bands() keys of 8 bytes per row, later the shingles of candidate rows.
// Non-goals: spilling to disk.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "data/deduplication/exact_groups.h"
#include "data/deduplication/min_hash.h"
#include "data/deduplication/near_candidates.h"
#include "data/deduplication/near_clusters.h"
#include "data/deduplication/row_key.h"

namespace caravan::data {

struct NearOptions {
  KeyKind key = KeyKind::kText;  // kText, kPrompt or kFirstTurn
  double threshold = 0.8;        // Jaccard of shingle sets
  std::size_t shingle_words = 5;
  Linkage linkage = Linkage::kConnected;
};

class NearSearch {
 public:
  // Working memory of one thread.
  struct Workspace {
    explicit Workspace(KeyKind kind) : keys(kind) {}
    RowKeys keys;
    std::vector<std::uint64_t> shingles;
  };
  struct Sketch {
    Sha256::Digest key = {};
    bool has_words = false;  // a row without words is like no other
    MinHashBits bits = {};
  };

  explicit NearSearch(const NearOptions& options);

  // Appends the row's band keys to `bands` where it has words.
  Sketch sketch(const Conversation& row, Workspace& work, std::vector<std::uint64_t>& bands) const;
  // `bands`: where this row's keys begin.
  void add(const Sketch& sketch, const std::uint64_t* bands);
  void find(std::size_t num_threads);

  bool needs_comparison(std::uint32_t row) const;
  std::vector<std::uint64_t> shingles(const Conversation& row, Workspace& work) const;
  void compare(std::uint32_t row, std::vector<std::uint64_t> shingles);

  // Per row, the row that stands for its cluster.
  std::vector<std::uint32_t> leaders();
  const MinHash& min_hash() const { return min_hash_; }
  const NearClusters& clusters() const { return *clusters_; }
  std::uint32_t num_rows() const { return static_cast<std::uint32_t>(exact_.first().size()); }

 private:
  NearOptions options_;
  MinHash min_hash_;
  ExactGroups exact_;
  NearCandidates candidates_;
  std::unique_ptr<NearClusters> clusters_;
};

}  // namespace caravan::data
