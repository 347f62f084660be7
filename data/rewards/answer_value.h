// An answer to a problem: a value, or values in a tuple, interval, set, list, union or matrix, or an
// equation.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data/rewards/expression.h"

namespace caravan::data {

struct AnswerValue {
  enum class Kind : std::uint8_t { kValue, kTuple, kSet, kList, kMatrix, kUnion, kEquation };
  Kind kind = Kind::kValue;
  Value value;                     // kValue
  std::vector<AnswerValue> items;  // the others; an equation has its two sides
  char open = '(', close = ')';    // kTuple: square brackets tell intervals apart
  std::size_t columns = 0;         // kMatrix
  bool unordered = false;          // kList of both signs
  bool percent = false;
  std::string unit;  // lower case, empty where there is none
};

// `text` in the spelling of latex_normal. Nothing where it is no answer we can read. Throws NoValue and
// BudgetSpent.
std::optional<AnswerValue> parse_answer(std::string_view text, Algebra& algebra, int level = 0);

Equality compare_answers(const AnswerValue& a, const AnswerValue& b, Algebra& algebra);

}  // namespace caravan::data
