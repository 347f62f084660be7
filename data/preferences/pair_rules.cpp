#include "data/preferences/pair_rules.h"

#include <algorithm>

#include "data/synthesis/request_seed.h"

namespace caravan::data {
namespace {

constexpr double kRounding = 1e-9;  // means of ratings that are equal on paper

}  // namespace

PairChoice choose_pairs(const std::vector<double>& scores, PairRule rule, double margin, std::uint64_t seed) {
  if (scores.size() < 2) return {.reason = "too_few_responses"};
  // Walked in a drawn order, so that the first of equals is a drawn one.
  const std::vector<std::size_t> order = shuffled_order(scores.size(), seed);
  const auto lower = [&](std::size_t a, std::size_t b) { return scores[a] < scores[b] - kRounding; };
  const std::size_t best = *std::max_element(order.begin(), order.end(), lower);
  const std::size_t worst = *std::min_element(order.begin(), order.end(), lower);
  PairChoice choice;
  if (rule == PairRule::kMargin) {
    for (const std::size_t chosen : order)
      for (const std::size_t rejected : order)
        if (chosen != rejected && scores[chosen] - scores[rejected] >= margin - kRounding &&
            lower(rejected, chosen))
          choice.pairs.push_back({chosen, rejected});
  } else if (rule == PairRule::kBestWorst) {
    if (lower(worst, best)) choice.pairs.push_back({best, worst});
  } else {
    for (const std::size_t other : order)
      if (other != best && (rule == PairRule::kBestRandomOther || lower(other, best)))
        choice.pairs.push_back({best, other});
  }
  if (choice.pairs.empty())
    choice.reason = rule == PairRule::kMargin && lower(worst, best) ? "below_margin" : "tie";
  std::vector<PairChoice::Pair> drawn;
  for (const std::size_t i : shuffled_order(choice.pairs.size(), seed + 1)) drawn.push_back(choice.pairs[i]);
  choice.pairs = std::move(drawn);
  return choice;
}

}  // namespace caravan::data
