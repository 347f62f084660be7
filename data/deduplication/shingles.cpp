#include "data/deduplication/shingles.h"

#include <algorithm>

namespace caravan::data {
namespace {

constexpr std::uint64_t kBase = 0x9fb21c651e98df25;  // odd: multiplying loses nothing

std::uint64_t finish(std::uint64_t x) {
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93;
  x ^= x >> 29;
  x *= 0xbf58476d1ce4e5b9;
  return x ^ x >> 32;
}

}  // namespace

// The hash rolls: the word that leaves is subtracted, the one that comes is added.
void list_shingles(const Words& words, std::size_t shingle_words, std::vector<std::uint64_t>& out) {
  out.clear();
  if (words.empty()) return;
  const std::size_t width = std::min(shingle_words, words.size());
  std::uint64_t leaving = 1, rolling = 0;
  for (std::size_t i = 1; i < width; ++i) leaving *= kBase;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i >= width) rolling -= words[i - width].hash * leaving;
    rolling = rolling * kBase + words[i].hash;
    if (i + 1 >= width) out.push_back(finish(rolling + width));
  }
}

void make_shingles(const Words& words, std::size_t shingle_words, std::vector<std::uint64_t>& out) {
  list_shingles(words, shingle_words, out);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
}

std::size_t count_shared(std::span<const std::uint64_t> a, std::span<const std::uint64_t> b) {
  std::size_t i = 0, j = 0, shared = 0;
  while (i < a.size() && j < b.size()) {
    const std::uint64_t x = a[i], y = b[j];
    shared += x == y;
    i += x <= y;
    j += y <= x;
  }
  return shared;
}

double jaccard(std::span<const std::uint64_t> a, std::span<const std::uint64_t> b) {
  const std::size_t shared = count_shared(a, b), all = a.size() + b.size() - shared;
  return all == 0 ? 0.0 : static_cast<double>(shared) / static_cast<double>(all);
}

// Every element of one set alone takes one from what may still be shared.
std::optional<double> jaccard_from(std::span<const std::uint64_t> a, std::span<const std::uint64_t> b,
                                   double threshold) {
  const auto likeness = [&](std::size_t shared) {
    const std::size_t all = a.size() + b.size() - shared;
    return all == 0 ? 0.0 : static_cast<double>(shared) / static_cast<double>(all);
  };
  const std::size_t least = std::min(a.size(), b.size());
  const double sum = static_cast<double>(a.size() + b.size());
  auto needed = static_cast<std::size_t>(std::max(0.0, threshold * sum / (1.0 + threshold) - 2.0));
  while (needed <= least && likeness(needed) < threshold) ++needed;
  if (needed > least) return std::nullopt;
  constexpr std::size_t kStep = 16;  // between two looks at what is left
  std::size_t i = 0, j = 0, shared = 0;
  while (i < a.size() && j < b.size()) {
    if (shared + std::min(a.size() - i, b.size() - j) < needed) return std::nullopt;
    for (std::size_t step = 0; step < kStep && i < a.size() && j < b.size(); ++step) {
      const std::uint64_t x = a[i], y = b[j];
      shared += x == y;
      i += x <= y;
      j += y <= x;
    }
  }
  const double found = likeness(shared);
  return found >= threshold ? std::optional(found) : std::nullopt;
}

}  // namespace caravan::data
