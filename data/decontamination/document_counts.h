// In how many documents each word occurs: what tfidf weighs words by.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "data/decontamination/row_words.h"

namespace caravan::data {

// A document is a message of a training row or an evaluation item. Words are told apart by 64 bits of hash.
class DocumentCounts {
 public:
  // The different words of each document; any thread.
  static std::vector<std::vector<std::uint64_t>> documents_of(const RowWords& row);
  static std::vector<std::uint64_t> document_of(const Words& words, std::size_t first, std::size_t end);
  // In any order: the counts are the same.
  void add(const std::vector<std::uint64_t>& document);

  std::uint64_t num_documents() const { return num_documents_; }
  std::size_t num_words() const { return counts_.size(); }
  // ln((1 + documents) / (1 + documents with the word)) + 1
  double weight(std::uint64_t hash) const;

 private:
  std::unordered_map<std::uint64_t, std::uint32_t> counts_;
  std::uint64_t num_documents_ = 0;
};

}  // namespace caravan::data
