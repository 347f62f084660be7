#include "data/decontamination/document_counts.h"

#include <algorithm>
#include <cmath>

namespace caravan::data {

std::vector<std::uint64_t> DocumentCounts::document_of(const Words& words, std::size_t first,
                                                       std::size_t end) {
  std::vector<std::uint64_t> hashes;
  hashes.reserve(end - first);
  for (std::size_t i = first; i < end; ++i) hashes.push_back(words[i].hash);
  std::ranges::sort(hashes);
  hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
  return hashes;
}

std::vector<std::vector<std::uint64_t>> DocumentCounts::documents_of(const RowWords& row) {
  std::vector<std::vector<std::uint64_t>> documents;
  for (const RowWords::Part& part : row.parts)
    documents.push_back(document_of(row.words, part.first_word, part.end_word));
  return documents;
}

void DocumentCounts::add(const std::vector<std::uint64_t>& document) {
  ++num_documents_;
  for (const std::uint64_t hash : document) ++counts_[hash];
}

double DocumentCounts::weight(std::uint64_t hash) const {
  const auto found = counts_.find(hash);
  const double with = found == counts_.end() ? 0.0 : static_cast<double>(found->second);
  return std::log((1.0 + static_cast<double>(num_documents_)) / (1.0 + with)) + 1.0;
}

}  // namespace caravan::data
