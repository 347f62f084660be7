// An amount with its unit, as a recipe writes it: "50 %", "500 rows", "3 minutes". A number never travels
// without its unit.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace caravan::data {

enum class Unit { kPercent, kRows, kSteps, kMinutes };
constexpr std::array<std::string_view, 4> choice_names(Unit) {
  return {"%", "rows", "steps", "minutes"};
}

struct Quantity {
  double amount = 0.0;  // counts are whole numbers; percents and minutes may be fractions
  Unit unit = Unit::kPercent;
  bool operator==(const Quantity&) const = default;

  // How many of `total` things this is: a share is rounded down, a count is taken as it stands (it may exceed
  // `total`; the caller decides whether that is an error). The small addend keeps 32.3 % of 1000 from
  // becoming 322 in binary arithmetic.
  std::int64_t count_of(std::int64_t total) const {
    if (unit != Unit::kPercent) return static_cast<std::int64_t>(amount);
    return static_cast<std::int64_t>(std::floor(static_cast<double>(total) * amount / 100.0 + 1e-9));
  }
};

}  // namespace caravan::data
