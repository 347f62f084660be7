#include "data/rewards/latex_parser.h"

#include <algorithm>

#include "data/rewards/boxed.h"
#include "data/rewards/text_pieces.h"

namespace caravan::data {
namespace {

constexpr int kMaxLevels = 48;

// Thrown and caught in here: the text is no formula.
struct NotAFormula {};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c | 32) >= 'a' && (c | 32) <= 'z';
}

constexpr std::string_view kFunctions[] = {"sin",    "cos",  "tan",  "cot",  "sec", "csc", "arcsin", "arccos",
                                           "arctan", "sinh", "cosh", "tanh", "ln",  "log", "exp"};
constexpr std::string_view kSymbols[] = {
    "pi",     "infty", "alpha", "beta",   "gamma", "delta", "epsilon", "zeta",  "eta", "theta", "kappa",
    "lambda", "mu",    "nu",    "xi",     "rho",   "sigma", "tau",     "phi",   "chi", "psi",   "omega",
    "Gamma",  "Delta", "Theta", "Lambda", "Sigma", "Phi",   "Psi",     "Omega", "ell"};

bool is_listed(std::string_view name, const auto& list) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

class LatexParser {
 public:
  LatexParser(std::string_view text, Algebra& algebra) : text_(text), algebra_(algebra) {}

  Value parse_all() {
    Value value = parse_sum();
    skip_space();
    if (at_ < text_.size()) throw NotAFormula();
    return value;
  }

 private:
  class Level {
   public:
    explicit Level(LatexParser& parser) : parser_(parser) {
      parser_.algebra_.step();
      if (++parser_.level_ > kMaxLevels) throw NotAFormula();
    }
    ~Level() { --parser_.level_; }

   private:
    LatexParser& parser_;
  };

  char peek() {
    skip_space();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  void skip_space() { at_ = std::min(text_.find_first_not_of(' ', at_), text_.size()); }
  bool take(std::string_view what) {
    skip_space();
    if (!text_.substr(at_).starts_with(what)) return false;
    if (what[0] == '\\' && is_letter(what.back()) && at_ + what.size() < text_.size() &&
        is_letter(text_[at_ + what.size()]))
      return false;
    at_ += what.size();
    return true;
  }
  void expect(std::string_view what) {
    if (!take(what)) throw NotAFormula();
  }

  Value parse_sum() {
    const Level level(*this);
    Value value = parse_term();
    while (true) {
      if (take("+"))
        value = algebra_.add(value, parse_term());
      else if (take("-"))
        value = algebra_.subtract(value, parse_term());
      else
        return value;
    }
  }

  Value parse_term() {
    Value value = parse_signed();
    while (true) {
      if (take("\\times") || take("*"))
        value = algebra_.multiply(value, parse_signed());
      else if (take("/") || take("\\div"))
        value = algebra_.divide(value, parse_signed());
      else if (starts_factor())
        value = algebra_.multiply(value, parse_power());
      else
        return value;
    }
  }

  Value parse_signed() {
    const Level level(*this);
    if (take("-")) return algebra_.negate(parse_signed());
    if (take("+")) return parse_signed();
    return parse_power();
  }

  bool starts_factor() {
    const char c = peek();
    // A number behind a factor is a list or a slip, not a product.
    return is_letter(c) || c == '(' || c == '[' || c == '{' ||
           (c == '\\' && at_ + 1 < text_.size() && is_letter(text_[at_ + 1]) &&
            !text_.substr(at_).starts_with("\\text") && !text_.substr(at_).starts_with("\\end") &&
            !text_.substr(at_).starts_with("\\rfloor") && !text_.substr(at_).starts_with("\\rceil") &&
            !text_.substr(at_).starts_with("\\times") && !text_.substr(at_).starts_with("\\div"));
  }

  Value parse_power() {
    const Level level(*this);
    Value base = parse_base();
    while (true) {
      if (take("!"))
        base = algebra_.factorial(base);
      else if (take("^"))
        base = algebra_.power(base, parse_exponent());
      else
        return base;
    }
  }

  Value parse_exponent() {
    const Level level(*this);
    if (take("-")) return algebra_.negate(parse_exponent());
    if (is_digit(peek())) return parse_number();
    return parse_base();
  }

  Value parse_number() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    const std::size_t whole_end = at_;
    if (at_ + 1 < text_.size() && text_[at_] == '.' && is_digit(text_[at_ + 1])) {
      ++at_;
      while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    }
    const std::string_view digits = text_.substr(begin, at_ - begin);
    if (text_.substr(at_).starts_with("_")) {  // a number in another base
      ++at_;
      return algebra_.symbol("based " + std::string(digits) + "_" + read_argument());
    }
    Value number = algebra_.number(Rational::from_decimal(digits));
    return at_ == whole_end ? parse_mixed(number) : number;
  }

  // 1\frac{1}{2} and 2 1/2 are sums.
  Value parse_mixed(const Value& whole) {
    const std::size_t kept = at_;
    skip_space();
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with("\\frac") || (!rest.empty() && is_digit(rest[0]) && at_ > kept)) {
      const bool slash = is_digit(rest[0]);
      const std::size_t end = slash ? rest.find_first_not_of("0123456789/") : rest.size();
      const std::string_view part = rest.substr(0, std::min(end, rest.size()));
      if (slash && count_of(part, "/") != 1) throw NotAFormula();
      const Value fraction = slash ? parse_slash() : parse_base();
      const std::optional<Rational> exact = algebra_.constant(fraction);
      if (exact && !exact->is_whole() && !exact->is_negative() && *exact < Rational(1))
        return algebra_.add(whole, fraction);
      if (slash) throw NotAFormula();
    }
    at_ = kept;
    return whole;
  }

  Value parse_slash() {
    const std::size_t begin = at_, slash = text_.find('/', at_);
    std::size_t end = slash + 1;
    while (end < text_.size() && is_digit(text_[end])) ++end;
    if (end == slash + 1) throw NotAFormula();
    at_ = end;
    return algebra_.divide(algebra_.number(Rational::from_decimal(text_.substr(begin, slash - begin))),
                           algebra_.number(Rational::from_decimal(text_.substr(slash + 1, end - slash - 1))));
  }

  Value parse_base() {
    const Level level(*this);
    const char c = peek();
    if (is_digit(c)) return parse_number();
    if (c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1])) return parse_number();
    if (is_letter(c)) return parse_letter();
    if (take("(")) return parse_until(")");
    if (take("[")) return parse_until("]");
    if (take("{")) return parse_until("}");
    if (take("|")) return algebra_.function("abs", {parse_until("|")});
    if (c == '\\') return parse_command();
    throw NotAFormula();
  }

  Value parse_until(std::string_view end) {
    Value value = parse_sum();
    expect(end);
    return value;
  }

  // What stands in braces, or one character, as text.
  std::string read_argument() {
    skip_space();
    if (at_ >= text_.size()) throw NotAFormula();
    if (text_[at_] != '{') return std::string(1, text_[at_++]);
    const std::size_t end = closing_brace(text_, at_);
    if (end == std::string_view::npos || end - at_ > 64) throw NotAFormula();
    std::string inside(trim(text_.substr(at_ + 1, end - at_ - 1)));
    at_ = end + 1;
    return inside;
  }

  Value parse_letter() {
    std::string name(1, text_[at_++]);
    return with_marks(name);
  }

  // Subscripts and primes belong to the name.
  Value with_marks(std::string name) {
    if (text_.substr(at_).starts_with("_")) {
      ++at_;
      name += "_" + read_argument();
    }
    while (text_.substr(at_).starts_with("'")) {
      ++at_;
      name += "'";
    }
    return name == "i" ? algebra_.imaginary() : algebra_.symbol(name);
  }

  // \frac12 and \sqrt2 take one character.
  Value parse_argument() {
    const char c = peek();
    if (c == '{') {
      ++at_;
      return parse_until("}");
    }
    if (is_digit(c)) return algebra_.number(Rational(text_[at_++] - '0'));
    if (is_letter(c)) return parse_letter();
    return parse_base();
  }

  Value parse_command() {
    std::size_t end = at_ + 1;
    while (end < text_.size() && is_letter(text_[end])) ++end;
    const std::string name(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end;
    if (name == "frac") {
      const Value top = parse_argument();
      return algebra_.divide(top, parse_argument());
    }
    if (name == "sqrt") return parse_root();
    if (name == "binom") return parse_binomial();
    if (name == "lfloor") return algebra_.function("floor", {parse_until("\\rfloor")});
    if (name == "lceil") return algebra_.function("ceil", {parse_until("\\rceil")});
    if (name == "overline" || name == "hat" || name == "vec" || name == "bar")
      return algebra_.symbol("\\" + name + " " + read_argument());
    if (is_listed(name, kFunctions)) return parse_function(name);
    if (is_listed(name, kSymbols)) return with_marks("\\" + name);
    throw NotAFormula();
  }

  Value parse_root() {
    Value degree = algebra_.number(2);
    if (take("[")) degree = parse_until("]");
    return algebra_.power(parse_argument(), algebra_.divide(algebra_.number(1), degree));
  }

  Value parse_binomial() {
    const Value top = parse_argument(), bottom = parse_argument();
    const Value below =
        algebra_.multiply(algebra_.factorial(bottom), algebra_.factorial(algebra_.subtract(top, bottom)));
    return algebra_.divide(algebra_.factorial(top), below);
  }

  Value parse_function(const std::string& name) {
    std::vector<Value> arguments;
    if (name == "log" && take("_")) arguments.push_back(parse_argument());
    std::optional<Value> exponent;
    if (take("^")) exponent = parse_exponent();
    arguments.push_back(parse_function_argument());
    Value value = name == "exp" ? algebra_.power(algebra_.symbol("e"), arguments[0])
                                : algebra_.function(name, arguments);
    return exponent ? algebra_.power(value, *exponent) : value;
  }

  // \sin 2x is the sine of 2x.
  Value parse_function_argument() {
    if (peek() == '(' || peek() == '{') return parse_base();
    Value value = parse_power();
    while (starts_factor() && peek() != '(' && peek() != '[') {
      const std::string_view rest = text_.substr(at_);
      const bool function =
          rest[0] == '\\' && std::any_of(std::begin(kFunctions), std::end(kFunctions),
                                         [&](std::string_view f) { return rest.substr(1).starts_with(f); });
      if (function) break;
      value = algebra_.multiply(value, parse_power());
    }
    return value;
  }

  std::string_view text_;
  Algebra& algebra_;
  std::size_t at_ = 0;
  int level_ = 0;
};

}  // namespace

std::optional<Value> parse_latex(std::string_view text, Algebra& algebra) {
  try {
    return LatexParser(text, algebra).parse_all();
  } catch (const NotAFormula&) {
    return std::nullopt;
  }
}

}  // namespace caravan::data
