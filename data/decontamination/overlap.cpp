#include "data/decontamination/overlap.h"

#include <algorithm>
#include <unordered_set>

#include "data/words/words.h"

namespace caravan::data {
namespace {

using Hashes = std::unordered_set<std::uint64_t>;

std::uint64_t run_hash(const Words& words, std::size_t first, std::size_t size) {
  std::uint64_t hash = size;
  for (std::size_t i = first; i < first + size; ++i) hash = hash * 0x9fb21c651e98df25 + words[i].hash;
  return hash;
}

Hashes runs_of(const Words& words, std::size_t size) {
  Hashes runs;
  for (std::size_t i = 0; i + size <= words.size(); ++i) runs.insert(run_hash(words, i, size));
  return runs;
}

// Stretches of the words that stand in a run which `other` has too.
std::vector<ByteRange> mark(const Words& words, const Hashes& other, std::size_t size) {
  std::vector<ByteRange> ranges;
  std::size_t end = 0;  // words before it are marked
  for (std::size_t i = 0; i + size <= words.size(); ++i) {
    if (!other.contains(run_hash(words, i, size))) continue;
    const ByteRange run{words[i].source_begin, words[i + size - 1].source_end};
    if (!ranges.empty() && i <= end) {
      ranges.back().end = run.end;
    } else {
      ranges.push_back(run);
    }
    end = i + size;
  }
  return ranges;
}

}  // namespace

Overlap find_overlap(std::string_view first, std::string_view second) {
  const WordSplitter splitter(Folding::kLookalikes);
  Words a, b;
  splitter.split(first, a);
  splitter.split(second, b);
  Overlap overlap;
  for (const std::size_t size : {std::min({std::size_t{3}, a.size(), b.size()}), std::size_t{1}}) {
    if (size == 0) break;
    overlap.first = mark(a, runs_of(b, size), size);
    overlap.second = mark(b, runs_of(a, size), size);
    if (!overlap.first.empty()) break;
  }
  return overlap;
}

}  // namespace caravan::data
