// How much of an evaluation item a training row gives away: a number from 0 to 1 per pair.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "data/decontamination/row_words.h"

namespace caravan::data {

// Names as the reference data has them; README.md of this folder defines each.
enum class MeasureName : std::uint8_t {
  kWeighted,
  kCov8,
  kCov8Last,
  kCov8Nb,
  kAny13,
  kJaccard,
  kTf,
  kTfidf,
  kEmbedding
};
constexpr std::array<std::string_view, 9> choice_names(MeasureName) {
  return {"weighted", "cov8", "cov8_last", "cov8_nb", "any13", "jaccard", "tf", "tfidf", "embedding"};
}

struct ItemScore {
  std::uint32_t item = 0;
  double score = 0.0;
};

// One thread's part of a measure: working memory that is kept from row to row.
class Searcher {
 public:
  virtual ~Searcher() = default;
  // Every item that scores at least the measure's threshold against the row, by rising item, each once. Of
  // several messages the best counts.
  virtual void search(const RowWords& row, std::vector<ItemScore>& found) = 0;
};

class Measure {
 public:
  virtual ~Measure() = default;
  // Under which folding the row's words are wanted.
  virtual Folding folding() const = 0;
  virtual std::unique_ptr<Searcher> make_searcher() const = 0;
};

}  // namespace caravan::data
