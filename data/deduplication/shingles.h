// A text as the set of its runs of words, and how alike two such sets are.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "data/words/words.h"

namespace caravan::data {

// Hashes of 64 bits of all runs of `shingle_words` words, in the order of the text. A text of fewer words is
// one shingle; a text without words has none. Two different shingles share a hash once in 2^64.
void list_shingles(const Words& words, std::size_t shingle_words, std::vector<std::uint64_t>& out);

// The same as a set: sorted, each once.
void make_shingles(const Words& words, std::size_t shingle_words, std::vector<std::uint64_t>& out);

// How many elements two sorted sets share.
std::size_t count_shared(std::span<const std::uint64_t> a, std::span<const std::uint64_t> b);

// Shared elements over all elements; 0 where both are empty.
double jaccard(std::span<const std::uint64_t> a, std::span<const std::uint64_t> b);

// jaccard(a, b) where it is at least `threshold`, else nothing; stops as soon as too many are not shared.
std::optional<double> jaccard_from(std::span<const std::uint64_t> a, std::span<const std::uint64_t> b,
                                   double threshold);

}  // namespace caravan::data
