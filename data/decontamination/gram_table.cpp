#include "data/decontamination/gram_table.h"

#include <algorithm>
#include <bit>

namespace caravan::data {

std::uint64_t GramTable::hash_of(std::span<const std::uint32_t> run,
                                 const std::vector<std::uint64_t>& hashes) const {
  std::uint64_t rolling = 0;
  for (const std::uint32_t word : run) rolling = rolling * kBase + hashes[word];
  return rolling ^ rolling >> 29;
}

GramTable::GramTable(const ItemWords& items, std::uint32_t n) : items_(items), n_(n) {
  for (std::uint32_t i = 0; i < n; ++i) leaving_ *= kBase;
  std::vector<std::uint64_t> hashes(items.table.size());
  for (std::uint32_t word = 0; word < hashes.size(); ++word)
    hashes[word] = hash_letters(items.table.letters(word));
  struct Found {
    std::uint64_t hash;
    Place place;
  };
  std::vector<Found> all;
  for (std::uint32_t item = 0; item < items.num_items(); ++item) {
    const auto words = items.of(item);
    for (std::uint32_t at = 0; at + n <= words.size(); ++at)
      all.push_back({hash_of(words.subspan(at, n), hashes), {item, at, false}});
  }
  const auto run_of = [&](const Place& place) { return items.of(place.item).subspan(place.position, n); };
  // Equal runs stand together even where two different runs share a hash.
  std::sort(all.begin(), all.end(), [&](const Found& a, const Found& b) {
    if (a.hash != b.hash) return a.hash < b.hash;
    const auto left = run_of(a.place), right = run_of(b.place);
    if (!std::ranges::equal(left, right)) return std::ranges::lexicographical_compare(left, right);
    return std::pair(a.place.item, a.place.position) < std::pair(b.place.item, b.place.position);
  });
  places_.reserve(all.size());
  for (const Found& found : all) places_.push_back(found.place);
  for (std::size_t i = 0; i < all.size();) {
    std::size_t end = i + 1;
    while (end < all.size() && all[end].hash == all[i].hash &&
           std::ranges::equal(run_of(all[end].place), run_of(all[i].place)))
      ++end;
    grams_.push_back({all[i].hash, static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(end - i), 0});
    count_items(grams_.back(), std::span(places_).subspan(i, end - i));
    i = end;
  }
  fill_slots();
}

void GramTable::count_items(Gram& gram, std::span<Place> places) {
  for (std::size_t i = 0; i < places.size(); ++i) {
    places[i].last_in_item = i + 1 == places.size() || places[i + 1].item != places[i].item;
    gram.num_items += places[i].last_in_item;
  }
}

void GramTable::fill_slots() {
  slots_.assign(std::bit_ceil(grams_.size() * 2 + 2), 0);
  bitmap_.assign(std::bit_ceil(grams_.size() / 4 + 1), 0);  // sixteen bits and more per run
  bitmap_mask_ = bitmap_.size() - 1;
  for (std::uint32_t gram = 0; gram < grams_.size(); ++gram) {
    const std::uint64_t hash = grams_[gram].hash;
    bitmap_[hash >> 6 & bitmap_mask_] |= std::uint64_t{1} << (hash & 63);
    std::size_t at = (hash >> 20) & (slots_.size() - 1);
    while (slots_[at] != 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = gram + 1;
  }
}

std::uint32_t GramTable::find(std::uint64_t hash, const Words& words, std::size_t first) const {
  for (std::size_t at = (hash >> 20) & (slots_.size() - 1); slots_[at] != 0;
       at = (at + 1) & (slots_.size() - 1)) {
    const std::uint32_t gram = slots_[at] - 1;
    if (grams_[gram].hash != hash) continue;
    const Place& place = places_[grams_[gram].first];
    const auto run = items_.of(place.item).subspan(place.position, n_);
    bool equal = true;
    for (std::uint32_t i = 0; i < n_ && equal; ++i)
      equal = items_.table.letters(run[i]) == words.letters(first + i);
    if (equal) return gram;
  }
  return kNone;
}

}  // namespace caravan::data
