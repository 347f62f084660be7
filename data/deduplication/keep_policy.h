// Which row of a cluster stays.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace caravan::data {

enum class KeepPolicy : std::uint8_t { kFirst, kLongest, kScore, kSource };
constexpr std::array<std::string_view, 4> choice_names(KeepPolicy) {
  return {"first", "longest", "score", "source"};
}

// What became of the rows of one run.
struct Duplicates {
  std::vector<std::uint32_t> kept_for;  // per row: the row that stays in its place; itself where it stays
  std::vector<std::vector<std::uint32_t>> clusters;  // rows rising, at least two, by their first row
  std::uint64_t num_dropped = 0;
};

// `leader`: per row, a row that stands for its cluster (the same for all of it). `worth`: per row, higher
// stays; ties go to the first row. Empty: the first row stays.
Duplicates choose_kept(std::span<const std::uint32_t> leader, std::span<const double> worth);

}  // namespace caravan::data
