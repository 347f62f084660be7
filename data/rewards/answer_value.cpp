#include "data/rewards/answer_value.h"

#include <algorithm>

#include "data/rewards/latex_layout.h"
#include "data/rewards/latex_parser.h"
#include "data/rewards/text_pieces.h"

namespace caravan::data {
namespace {

constexpr int kMaxLevels = 6;
constexpr std::size_t kMaxItems = 64;
using Kind = AnswerValue::Kind;
using Parsed = std::optional<AnswerValue>;

Parsed parse_items(Kind kind, const std::vector<std::string>& texts, Algebra& algebra, int level) {
  if (texts.size() > kMaxItems) return std::nullopt;
  AnswerValue answer;
  answer.kind = kind;
  for (const std::string& text : texts) {
    Parsed item = parse_answer(text, algebra, level + 1);
    if (!item) return std::nullopt;
    answer.items.push_back(std::move(*item));
  }
  return answer;
}

Parsed interval(const std::string& low, const std::string& high, bool low_in, bool high_in, Algebra& algebra,
                int level) {
  Parsed answer = parse_items(Kind::kTuple, {low, high}, algebra, level);
  if (!answer) return answer;
  answer->open = low_in ? '[' : '(';
  answer->close = high_in ? ']' : ')';
  return answer;
}

// x < 3, 1 \le x < 3 and the like, as the interval they mean.
Parsed parse_inequality(const std::vector<std::string>& sides, const std::vector<std::string>& signs,
                        Algebra& algebra, int level) {
  const auto closed = [](const std::string& sign) { return sign.starts_with('\\'); };
  const auto less = [](const std::string& sign) { return sign == "<" || sign == "\\le"; };
  if (sides.size() == 2) {
    const bool named_left = is_name(sides[0]);
    if (named_left == is_name(sides[1])) return std::nullopt;
    const std::string& bound = sides[named_left ? 1 : 0];
    if (less(signs[0]) == named_left)
      return interval("-\\infty", bound, false, closed(signs[0]), algebra, level);
    return interval(bound, "\\infty", closed(signs[0]), false, algebra, level);
  }
  if (sides.size() != 3 || !is_name(sides[1]) || less(signs[0]) != less(signs[1])) return std::nullopt;
  if (less(signs[0])) return interval(sides[0], sides[2], closed(signs[0]), closed(signs[1]), algebra, level);
  return interval(sides[2], sides[0], closed(signs[1]), closed(signs[0]), algebra, level);
}

Parsed parse_relation(std::string_view text, Algebra& algebra, int level) {
  std::vector<std::string> sides, signs;
  split_relations(text, sides, signs);
  const bool equations =
      std::all_of(signs.begin(), signs.end(), [](const std::string& sign) { return sign == "="; });
  if (!equations) {
    if (std::find(signs.begin(), signs.end(), "\\ne") != signs.end()) return std::nullopt;
    return parse_inequality(sides, signs, algebra, level);
  }
  if (is_name(sides.front()) || is_call(sides.front()) || sides.size() > 2)
    return parse_answer(sides.back(), algebra, level + 1);
  if (is_name(sides.back())) return parse_answer(sides.front(), algebra, level + 1);
  return parse_items(Kind::kEquation, sides, algebra, level);
}

Parsed parse_both_signs(std::string_view text, Algebra& algebra, int level) {
  Parsed answer = parse_items(Kind::kList, {replace_all(text, "\\pm", "+"), replace_all(text, "\\pm", "-")},
                              algebra, level);
  if (answer) answer->unordered = true;
  return answer;
}

Parsed parse_enclosed(std::string_view text, Algebra& algebra, int level) {
  if (text.starts_with("\\begin{")) {
    std::vector<std::string> cells;
    const std::size_t columns = split_matrix(text, cells);
    if (columns == 0) return std::nullopt;
    Parsed matrix = parse_items(Kind::kMatrix, cells, algebra, level);
    if (matrix) matrix->columns = columns;
    return matrix;
  }
  const bool set = text.starts_with("\\{") && text.ends_with("\\}");
  const std::size_t edge = set ? 2 : 1;
  std::vector<std::string> parts = split_top(text.substr(edge, text.size() - 2 * edge), ",");
  if (set) return parse_items(Kind::kSet, parts, algebra, level);
  Parsed tuple = parse_items(Kind::kTuple, parts, algebra, level);
  if (!tuple) return tuple;
  tuple->open = text.front();
  tuple->close = text.back();
  return tuple;
}

// Intervals, tuples, sets and matrices stand in brackets of their own.
bool is_enclosed(std::string_view text) {
  if (text.starts_with("\\begin{")) return true;
  if (!is_wrapped(text)) return false;
  if (text.starts_with("\\{")) return true;
  return (text[0] == '(' || text[0] == '[') && split_top(text.substr(1, text.size() - 2), ",").size() > 1;
}

Equality all_of(const std::vector<AnswerValue>& a, const std::vector<AnswerValue>& b, Algebra& algebra) {
  if (a.size() != b.size()) return Equality::kDifferent;
  bool sure = true;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const Equality one = compare_answers(a[i], b[i], algebra);
    if (one == Equality::kDifferent) return one;
    sure = sure && one == Equality::kEqual;
  }
  return sure ? Equality::kEqual : Equality::kUnsure;
}

// Each item of one has an equal of its own among those of the other.
Equality any_order(const std::vector<AnswerValue>& a, const std::vector<AnswerValue>& b, Algebra& algebra) {
  if (a.size() != b.size()) return Equality::kDifferent;
  std::vector<bool> taken(b.size(), false);
  bool sure = true;
  for (const AnswerValue& item : a) {
    bool found = false;
    for (std::size_t j = 0; j < b.size() && !found; ++j) {
      const Equality one = taken[j] ? Equality::kDifferent : compare_answers(item, b[j], algebra);
      sure = sure && one != Equality::kUnsure;
      found = one == Equality::kEqual;
      if (found) taken[j] = true;
    }
    if (!found) return sure ? Equality::kDifferent : Equality::kUnsure;
  }
  return Equality::kEqual;
}

Equality arguable(Equality equality) {
  return equality == Equality::kEqual ? Equality::kUnsure : equality;
}

Equality compare_values(const AnswerValue& a, const AnswerValue& b, Algebra& algebra) {
  const Equality as_written = algebra.compare(a.value, b.value);
  if (as_written == Equality::kEqual || a.percent == b.percent) return as_written;
  const Value hundredth = algebra.number(Rational(1, 100));
  const Value& whole = a.percent ? b.value : a.value;
  return algebra.compare(algebra.multiply(a.percent ? a.value : b.value, hundredth), whole);
}

// Equations that are multiples of one another.
Equality compare_equations(const AnswerValue& a, const AnswerValue& b, Algebra& algebra) {
  const auto difference = [&](const AnswerValue& equation) {
    if (equation.items[0].kind != Kind::kValue || equation.items[1].kind != Kind::kValue) throw NoValue();
    return algebra.subtract(equation.items[0].value, equation.items[1].value);
  };
  const Value first = difference(a), second = difference(b);
  if (first.top.empty() || second.top.empty()) return Equality::kUnsure;
  const auto lead = [](const Value& value) { return value.top.begin()->second; };
  const Value scaled = algebra.multiply(second, algebra.number(lead(first) / lead(second)));
  return algebra.compare(first, scaled);
}

}  // namespace

std::optional<AnswerValue> parse_answer(std::string_view text, Algebra& algebra, int level) {
  algebra.step();
  text = trim(text);
  if (level > kMaxLevels || text.empty()) return std::nullopt;
  if (level == 0) {
    const std::string joined = join_lists(text);
    if (joined != text) return parse_answer(joined, algebra, level + 1);
  }
  std::vector<std::string> parts = split_top(text, ",");
  if (parts.size() > 1) return parse_items(Kind::kList, parts, algebra, level);
  parts = split_top(text, "\\cup");
  if (parts.size() > 1) return parse_items(Kind::kUnion, parts, algebra, level);
  parts = split_top(text, "\\in");
  if (parts.size() == 2 && is_name(parts[0])) return parse_answer(parts[1], algebra, level + 1);
  if (has_relation(text)) return parse_relation(text, algebra, level);
  if (is_enclosed(text)) return parse_enclosed(text, algebra, level);
  if (contains(text, "\\pm")) return parse_both_signs(text, algebra, level);
  AnswerValue answer;
  const std::string_view number = without_unit(text, answer.unit, answer.percent);
  std::optional<Value> value = parse_latex(number, algebra);
  if (!value) return std::nullopt;
  answer.value = std::move(*value);
  return answer;
}

Equality compare_answers(const AnswerValue& a, const AnswerValue& b, Algebra& algebra) {
  if (!a.unit.empty() && !b.unit.empty() && a.unit != b.unit) return Equality::kDifferent;
  if (a.kind == Kind::kValue && b.kind == Kind::kValue) return compare_values(a, b, algebra);
  if (a.kind == Kind::kEquation && b.kind == Kind::kEquation) return compare_equations(a, b, algebra);
  if (a.kind == b.kind) {
    switch (a.kind) {
      case Kind::kTuple:
        if (a.open != b.open || a.close != b.close) return Equality::kDifferent;
        return all_of(a.items, b.items, algebra);
      case Kind::kMatrix:
        return a.columns == b.columns ? all_of(a.items, b.items, algebra) : Equality::kDifferent;
      case Kind::kList: {
        if (a.unordered || b.unordered) return any_order(a.items, b.items, algebra);
        const Equality ordered = all_of(a.items, b.items, algebra);
        // The order of a list may matter or not.
        return ordered == Equality::kDifferent ? arguable(any_order(a.items, b.items, algebra)) : ordered;
      }
      default:
        return any_order(a.items, b.items, algebra);
    }
  }
  if (a.kind == Kind::kEquation || b.kind == Kind::kEquation) return Equality::kUnsure;
  if (a.kind == Kind::kValue || b.kind == Kind::kValue) {
    const AnswerValue& many = a.kind == Kind::kValue ? b : a;
    if (many.items.size() != 1) return Equality::kDifferent;
    return arguable(compare_answers(a.kind == Kind::kValue ? a : b, many.items[0], algebra));
  }
  // A set against a list, a vector against a tuple: the same items are the same answer to some graders only.
  const bool ordered =
      a.kind == Kind::kMatrix || b.kind == Kind::kMatrix || a.kind == Kind::kTuple || b.kind == Kind::kTuple;
  const Equality equal = ordered ? all_of(a.items, b.items, algebra) : any_order(a.items, b.items, algebra);
  const bool both_signs = (a.unordered && b.kind == Kind::kSet) || (b.unordered && a.kind == Kind::kSet);
  return both_signs ? equal : arguable(equal);
}

}  // namespace caravan::data
