// A number of rows divided among parts by shares, exactly.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace caravan::data {

struct SharedPart {
  std::uint64_t size = 0;        // rows it has
  std::int64_t share = 0;        // in billionths (share_billionths)
  std::uint64_t max_repeat = 1;  // times a row may be used
  std::optional<std::uint64_t> cap = {};
};

struct Division {
  std::vector<std::uint64_t> rows;  // by part
  std::uint64_t unfilled = 0;       // what no part could give
};

// Largest remainders in whole numbers, ties to the earlier part. What a part cannot give (cap, size times
// max_repeat) goes to the others by their shares. Parts of share 0 give nothing.
Division divide_total(std::uint64_t total, std::span<const SharedPart> parts);

// A share as a whole number of billionths; nothing where it has more than 9 digits behind the point, is
// negative or above a million.
std::optional<std::int64_t> share_billionths(double share);

}  // namespace caravan::data
