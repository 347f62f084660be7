// Which two answers to a prompt become a pair.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace caravan::data {

// kBestRandomLower: the best against one of those with a lower score, drawn. kBestWorst: against the lowest.
// kMargin: any two whose scores differ by at least the margin. kBestRandomOther: the best against any other,
// drawn, of equal score too: the reference implementation's rule.
enum class PairRule : std::uint8_t { kBestRandomLower, kBestWorst, kMargin, kBestRandomOther };
constexpr std::array<std::string_view, 4> choice_names(PairRule) {
  return {"best_random_lower", "best_worst", "margin", "best_random_other"};
}

struct PairChoice {
  struct Pair {
    std::size_t chosen = 0, rejected = 0;
    bool operator==(const Pair&) const = default;
  };
  std::vector<Pair> pairs = {};
  std::string reason = {};  // why there is none: "too_few_responses", "tie", "below_margin"
};

// All that the rule allows, no two alike, in an order that the seed decides: the first is a drawn one.
PairChoice choose_pairs(const std::vector<double>& scores, PairRule rule, double margin, std::uint64_t seed);

}  // namespace caravan::data
