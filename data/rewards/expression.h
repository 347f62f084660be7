// Exact arithmetic with fractions, roots, pi, i, symbols and functions: enough to tell whether two answers
// are the same number or formula.
//
// A value is a quotient of two sums of terms; a term is a fraction times powers of atoms. Atoms are primes
// (with broken exponents: the root of 8 is 2 times 2^(1/2)), symbols, pi, e, i, roots of sums, and functions
// nobody looks into. Two values are equal where the difference of the cross products has no terms left; only
// roots of sums and functions need figures to be told apart. Every step counts against a budget; BudgetSpent
// ends it.
#pragma once

#include <complex>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/rewards/rational.h"

namespace caravan::data {

// Division by zero and the like: no value.
struct NoValue {};

struct AtomPower {
  int atom = 0, top = 1, bottom = 1;  // atom^(top/bottom), bottom > 0, no common divisor
  friend auto operator<=>(const AtomPower&, const AtomPower&) = default;
};
using Monomial = std::vector<AtomPower>;  // by atom
using Sum = std::map<Monomial, Rational>;

struct Value {
  Sum top, bottom;
};

enum class Equality : std::uint8_t { kEqual, kDifferent, kUnsure };

// One comparison's atoms and budget; values of different algebras do not mix.
class Algebra {
 public:
  Value number(const Rational& value) const;
  Value symbol(const std::string& name);
  Value imaginary();
  // A function with arguments, equal where name and arguments are.
  Value function(const std::string& name, const std::vector<Value>& arguments);

  Value add(const Value& a, const Value& b);
  Value subtract(const Value& a, const Value& b) { return add(a, negate(b)); }
  Value multiply(const Value& a, const Value& b);
  Value divide(const Value& a, const Value& b);
  Value negate(const Value& a) { return multiply(a, number(-1)); }
  Value power(const Value& base, const Value& exponent);
  Value factorial(const Value& n);

  Equality compare(const Value& a, const Value& b);
  std::optional<Rational> constant(const Value& value) const;
  std::complex<double> approximate(const Value& value) const;
  void step(std::size_t cost = 1);

 private:
  enum class Kind : std::uint8_t { kPrime, kSymbol, kImaginary, kRoot, kFunction };
  struct Atom {
    Kind kind;
    std::complex<double> value;
    BigInteger prime;
    Sum radicand;
  };
  int find_atom(const std::string& key, const Atom& atom);
  Value of_sum(Sum sum) const;
  Value settle(Sum top, Sum bottom);
  Sum multiply_sums(const Sum& a, const Sum& b);
  Sum multiply_terms(const Monomial& a, const Monomial& b, Rational factor);
  static void add_term(Sum& sum, const Monomial& monomial, const Rational& factor);
  Value whole_power(const Value& base, std::int64_t exponent);
  Value broken_power(const Value& base, std::int64_t top, std::int64_t bottom);
  Sum root_of_number(Rational number, int top, int bottom);
  Sum root_of_term(const Monomial& monomial, int top, int bottom);
  Sum root_of_sum(const Sum& sum, int top, int bottom);
  Sum prime_power(const BigInteger& prime, std::int64_t times, int top, int bottom);
  std::complex<double> approximate(const Sum& sum) const;
  bool has_opaque(const Value& value) const;
  static std::string text_of(const Sum& sum);
  static std::string text_of(const Value& value);

  std::map<std::string, int> ids_;
  std::vector<Atom> atoms_;
  std::size_t steps_ = 0;
};

}  // namespace caravan::data
