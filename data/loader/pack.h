// Whole documents into as few micro-batches as best fit finds.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace caravan::data {

// Places of `lengths` grouped so that each group sums to at most `capacity`: longest first, each into the
// group with the least room that still holds it. Groups are ordered by their first place, places within a
// group ascend. Every place occurs once. Deterministic; n log n. Each length must be between 1 and
// `capacity`, else std::invalid_argument.
std::vector<std::vector<std::uint32_t>> pack_best_fit(std::span<const std::uint32_t> lengths,
                                                      std::int64_t capacity);

}  // namespace caravan::data
