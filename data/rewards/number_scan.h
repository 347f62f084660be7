// The numbers that stand in running text, as a reader takes them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/rewards/rational.h"

namespace caravan::data {

struct FoundNumber {
  std::size_t begin = 0, end = 0;  // bytes of the text, sign included
  Rational value;
  bool too_long = false;  // more digits than are worth reading: equal to nothing
  bool percent = false;
  bool range_end = false;  // "10-20": the hyphen may be a sign or a range
};

// Digits of all scripts become ASCII ones, the minus of typesetters a hyphen, exotic spaces plain ones, and
// TeX's spacing and escapes around numbers go.
std::string fold_numbers(std::string_view text);

// Of folded text: separators of thousands (1,234 or 1 234 567 or 1.234.567 or 1{,}234), signs, decimals, 1e3,
// 3 \times 10^5, 3/4, \frac{3}{4}, 2 1/2, 2^10, per cent. Exponents of units (m^2), times (10:30) and digits
// of names (x2) are none. Keeps at most the last 256.
std::vector<FoundNumber> find_numbers(std::string_view folded);

struct WordNumber {
  Rational value;
  bool plain = false;  // one whole number is all that is said: no second one, fraction or million
};

// "twenty-five", "minus one hundred and four": the first number in words; lower case.
std::optional<WordNumber> number_in_words(std::string_view lowered);

}  // namespace caravan::data
