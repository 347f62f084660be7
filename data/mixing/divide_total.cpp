#include "data/mixing/divide_total.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace caravan::data {
namespace {

// Products of shares and rows need more than 64 bits: 10^15 * 2^63 < 2^127.
__extension__ using Wide = unsigned __int128;

std::uint64_t limit_of(const SharedPart& part) {
  constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();
  const Wide most = static_cast<Wide>(part.size) * part.max_repeat;
  return std::min(part.cap.value_or(kAll), most > kAll ? kAll : static_cast<std::uint64_t>(most));
}

}  // namespace

Division divide_total(std::uint64_t total, std::span<const SharedPart> parts) {
  Division division{std::vector<std::uint64_t>(parts.size(), 0), total};
  std::vector<std::size_t> open;  // parts that may still give
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].share > 0) open.push_back(i);
  }
  while (division.unfilled > 0 && !open.empty()) {
    Wide sum = 0;
    for (const std::size_t i : open) sum += static_cast<Wide>(parts[i].share);
    const Wide left = division.unfilled;
    const auto is_full = [&](std::size_t i) {
      return static_cast<Wide>(parts[i].share) * left >= limit_of(parts[i]) * sum;
    };
    if (std::any_of(open.begin(), open.end(), is_full)) {
      for (const std::size_t i : open) {
        if (!is_full(i)) continue;
        division.rows[i] = limit_of(parts[i]);
        division.unfilled -= division.rows[i];
      }
      std::erase_if(open, is_full);
      continue;
    }
    for (const std::size_t i : open) {
      division.rows[i] = static_cast<std::uint64_t>(static_cast<Wide>(parts[i].share) * left / sum);
      division.unfilled -= division.rows[i];
    }
    std::stable_sort(open.begin(), open.end(), [&](std::size_t a, std::size_t b) {
      return static_cast<Wide>(parts[a].share) * left % sum > static_cast<Wide>(parts[b].share) * left % sum;
    });
    for (std::size_t i = 0; division.unfilled > 0; ++i, --division.unfilled) ++division.rows[open[i]];
  }
  return division;
}

std::optional<std::int64_t> share_billionths(double share) {
  constexpr double kBillion = 1e9, kMax = 1e6;
  if (!(share >= 0.0 && share <= kMax)) return std::nullopt;
  const std::int64_t units = std::llround(share * kBillion);
  // The double nearest to the decimal number, or the number has digits that would be lost.
  if (static_cast<double>(units) / kBillion != share) return std::nullopt;
  return units;
}

}  // namespace caravan::data
