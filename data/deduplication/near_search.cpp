#include "data/deduplication/near_search.h"

#include "data/deduplication/shingles.h"
#include "data/error.h"

namespace caravan::data {

NearSearch::NearSearch(const NearOptions& options)
    : options_(options), min_hash_(options.threshold), candidates_(min_hash_) {
  if (options.key == KeyKind::kRaw || options.key == KeyKind::kTextWithRoles) {
    throw Error(Error::Kind::kUsage,
                "near duplicates are found by words; allowed keys: text, prompt, first_turn");
  }
}

NearSearch::Sketch NearSearch::sketch(const Conversation& row, Workspace& work,
                                      std::vector<std::uint64_t>& bands) const {
  Sketch sketch;
  sketch.key = work.keys.key(row);
  list_shingles(work.keys.words(row), options_.shingle_words, work.shingles);
  sketch.has_words = !work.shingles.empty();
  if (!sketch.has_words) return sketch;
  const std::size_t first = bands.size();
  bands.resize(first + min_hash_.num_bands());
  min_hash_.sketch(work.shingles, std::span(bands).subspan(first), sketch.bits);
  return sketch;
}

void NearSearch::add(const Sketch& sketch, const std::uint64_t* bands) {
  const std::uint32_t row = num_rows();
  if (row == UINT32_MAX) throw Error(Error::Kind::kData, "deduplication holds at most 4294967295 rows");
  if (!sketch.has_words) {
    exact_.add_alone();
  } else if (exact_.add(sketch.key) == row) {
    candidates_.add(row, {bands, min_hash_.num_bands()}, sketch.bits);
  }
}

void NearSearch::find(std::size_t num_threads) {
  candidates_.find(num_threads);
  clusters_ = std::make_unique<NearClusters>(candidates_, num_rows(), options_.threshold, options_.linkage);
}

bool NearSearch::needs_comparison(std::uint32_t row) const {
  return exact_.first()[row] == row && candidates_.is_candidate(row);
}

std::vector<std::uint64_t> NearSearch::shingles(const Conversation& row, Workspace& work) const {
  std::vector<std::uint64_t> made;
  make_shingles(work.keys.words(row), options_.shingle_words, made);
  made.shrink_to_fit();
  return made;
}

void NearSearch::compare(std::uint32_t row, std::vector<std::uint64_t> shingles) {
  clusters_->add(row, std::move(shingles));
}

std::vector<std::uint32_t> NearSearch::leaders() {
  std::vector<std::uint32_t> result(num_rows());
  for (std::uint32_t row = 0; row < result.size(); ++row)
    result[row] = clusters_->leader(exact_.first()[row]);
  return result;
}

}  // namespace caravan::data
