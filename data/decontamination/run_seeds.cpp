#include "data/decontamination/run_seeds.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace caravan::data {

void RunSeeds::finish() {
  std::ranges::sort(entries_, {}, [](const Entry& entry) { return std::pair(entry.key, entry.item); });
  const auto is_same = [](const Entry& a, const Entry& b) { return a.key == b.key && a.item == b.item; };
  entries_.erase(std::unique(entries_.begin(), entries_.end(), is_same), entries_.end());
  slots_.assign(std::bit_ceil(entries_.size() * 2 + 2), {});
  bitmap_.assign(std::bit_ceil(entries_.size() / 4 + 1), 0);
  bitmap_mask_ = bitmap_.size() - 1;
  for (std::size_t i = 0; i < entries_.size();) {
    const std::uint64_t run = entries_[i].key;
    Slot slot{run, static_cast<std::uint32_t>(items_.size()), 0};
    for (; i < entries_.size() && entries_[i].key == run; ++i, ++slot.count)
      items_.push_back(entries_[i].item);
    std::size_t at = (run >> 20) & (slots_.size() - 1);
    while (slots_[at].count != 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = slot;
    bitmap_[run >> 6 & bitmap_mask_] |= std::uint64_t{1} << (run & 63);
  }
  entries_ = {};
}

std::span<const std::uint32_t> RunSeeds::look_up(std::uint64_t run) const {
  for (std::size_t at = (run >> 20) & (slots_.size() - 1); slots_[at].count != 0;
       at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].key == run) return std::span(items_).subspan(slots_[at].first, slots_[at].count);
  }
  return {};
}

}  // namespace caravan::data
