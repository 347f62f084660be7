// A LaTeX formula to its value.
#pragma once

#include <optional>
#include <string_view>

#include "data/rewards/expression.h"

namespace caravan::data {

// `text` in the spelling of latex_normal. Nothing where it is no formula we know, or nested deeper than 48
// levels. Throws NoValue (1/0) and BudgetSpent.
std::optional<Value> parse_latex(std::string_view text, Algebra& algebra);

}  // namespace caravan::data
