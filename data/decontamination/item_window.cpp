#include "data/decontamination/item_window.h"

#include <algorithm>

namespace caravan::data {
namespace {

// An item that repeats a word more often is compared at these places of it only.
constexpr std::uint32_t kMaxPlaces = 64;

}  // namespace

ItemWindow::ItemWindow(const WeightedItems& items)
    : items_(items), group_(items.items().table.size()), group_stamp_(items.items().table.size(), 0) {}

void ItemWindow::prepare(std::uint32_t item) {
  if (++stamp_ == 0) {
    std::ranges::fill(group_stamp_, 0);
    stamp_ = 1;
  }
  const WeightedItem& weighted = items_.item(item);
  const auto groups = items_.groups(weighted);
  for (const WordPlaces& group : groups) {
    group_[group.word] = &group;
    group_stamp_[group.word] = stamp_;
  }
  words_ = items_.words(item);
  weights_ = items_.weights(weighted);
  weight_ = weighted.weight;
  first_group_ = groups.data();
  run_words_ = std::min(3u, weighted.num_words);
  hits_.clear();
  covered_.assign(words_.size(), 0);
  present_.assign(groups.size(), 0);
  covered_weight_ = covered_nats_ = present_weight_ = present_nats_ = best_ = 0.0;
}

void ItemWindow::cover(std::uint32_t place) {
  for (std::uint32_t i = place; i < place + run_words_; ++i) {
    if (covered_[i]++ > 0) continue;
    covered_weight_ += weights_[i];
    covered_nats_ += items_.information(words_[i]);
  }
}

void ItemWindow::uncover(std::uint32_t place) {
  for (std::uint32_t i = place; i < place + run_words_; ++i) {
    if (--covered_[i] > 0) continue;
    covered_weight_ -= weights_[i];
    covered_nats_ -= items_.information(words_[i]);
  }
}

// Runs of the item that begin at `at` of the text.
void ItemWindow::add_runs(std::span<const std::uint32_t> text, std::uint32_t at, const WordPlaces& group) {
  if (at + run_words_ > text.size()) return;
  const auto places = items_.places(group);
  for (const std::uint32_t place : places.first(std::min<std::size_t>(places.size(), kMaxPlaces))) {
    if (place + run_words_ > words_.size()) continue;
    bool equal = true;
    for (std::uint32_t i = 1; i < run_words_ && equal; ++i) equal = text[at + i] == words_[place + i];
    if (!equal) continue;
    hits_.push_back({at, place});
    cover(place);
  }
}

void ItemWindow::count_word(const WordPlaces* group, bool enters) {
  if (group == nullptr) return;
  std::uint32_t& present = present_[static_cast<std::size_t>(group - first_group_)];
  if (!enters) --present;
  if (present < group->count) {
    const double sign = enters ? 1.0 : -1.0;
    present_weight_ += sign * weights_[items_.places(*group)[present]];
    present_nats_ += sign * items_.information(group->word);
  }
  if (enters) ++present;
}

void ItemWindow::judge() {
  const auto convince = [](double nats) { return std::min(1.0, nats / WeightedItems::kConvincingNats); };
  const double in_order = covered_weight_ / weight_;
  const double out_of_order = present_weight_ / weight_;
  best_ = std::max(
      {best_, in_order * convince(covered_nats_), out_of_order * out_of_order * convince(present_nats_)});
}

// Cheap, and true of few texts: the weight of all places of the words that the text has. One word of the text
// may stand for several places of the item.
bool ItemWindow::has_enough(std::span<const std::uint32_t> text, double min_score) {
  double weight = 0.0;
  for (const std::uint32_t word : text) {
    const WordPlaces* const group = group_of(word);
    if (group == nullptr) continue;
    std::uint32_t& present = present_[static_cast<std::size_t>(group - first_group_)];
    if (present++ > 0) continue;
    for (const std::uint32_t place : items_.places(*group)) weight += weights_[place];
  }
  std::ranges::fill(present_, 0);
  return weight >= min_score * weight_ - 1e-9;
}

double ItemWindow::score(std::uint32_t item, std::span<const std::uint32_t> text, double min_score) {
  prepare(item);
  if (words_.empty() || !has_enough(text, min_score)) return 0.0;
  const auto num_words = static_cast<std::uint32_t>(words_.size());
  const std::uint32_t wide = reach(num_words), tight = tight_reach(num_words);
  for (std::uint32_t at = 0; at < text.size(); ++at) {
    while (!hits_.empty() && hits_.front().at + wide < at + run_words_) {
      uncover(hits_.front().place);
      hits_.pop_front();
    }
    if (at >= tight) count_word(group_of(text[at - tight]), false);
    const WordPlaces* const group = group_of(text[at]);
    if (group == nullptr) continue;
    add_runs(text, at, *group);
    count_word(group, true);
    judge();
  }
  return std::min(best_, 1.0);
}

}  // namespace caravan::data
