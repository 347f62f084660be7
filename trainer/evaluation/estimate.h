// What a set of items says of a model, and how sure that is. Free of LibTorch.
//
// The interval is the 2.5th to 97.5th percentile of the same figure over 1,000 draws of as many items, with
// replacement, by a seed: it changes with the items alone. The standard error of a plain mean is the sample
// deviation over the root of the number of items (as lm-eval's), of other figures the deviation of those
// draws.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace caravan::trainer {

// What one item contributes: an accuracy is {1 or 0, 1}, a log-likelihood {its sum, words}.
struct ItemValue {
  double sum = 0.0, count = 1.0;
};

// x = sum of sums / sum of counts. kMean: x; kPerplexity: exp(-x); kBits: -x / ln 2.
enum class Figure { kMean, kPerplexity, kBits };

struct Estimate {
  double value = 0.0, standard_error = 0.0, low = 0.0, high = 0.0;
};

constexpr int kBootstrapDraws = 1000;

// At least one item; no number for no count. `seed`: the same items and seed give the same bits.
Estimate estimate(std::span<const ItemValue> items, Figure figure, std::uint64_t seed);

// A seed from the name of what is estimated.
std::uint64_t seed_of(std::string_view name);

}  // namespace caravan::trainer
