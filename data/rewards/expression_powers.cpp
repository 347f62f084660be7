// Powers and roots of values.
#include <cmath>
#include <numeric>

#include "data/rewards/expression.h"

namespace caravan::data {
namespace {

constexpr std::int64_t kMaxWhole = 32, kMaxRoot = 64;

bool is_plain(const Sum& bottom) {
  return bottom.size() == 1 && bottom.begin()->first.empty() && bottom.begin()->second.is_one();
}

}  // namespace

Value Algebra::power(const Value& base, const Value& exponent) {
  const std::optional<Rational> exact = constant(exponent);
  if (exact) {
    const std::optional<std::int64_t> top = exact->top().small(), bottom = exact->bottom().small();
    if (top && bottom && *bottom == 1) return whole_power(base, *top);
    if (top && bottom && *bottom <= kMaxRoot && *top <= kMaxRoot && *top >= -kMaxRoot)
      return broken_power(base, *top, *bottom);
  }
  return function("power", {base, exponent});
}

Value Algebra::whole_power(const Value& base, std::int64_t exponent) {
  if (exponent < 0)
    return divide(number(1), whole_power(base, exponent == INT64_MIN ? INT64_MAX : -exponent));
  if (const std::optional<Rational> exact = constant(base)) {
    const Rational& value = *exact;
    const bool trivial = value.is_zero() || value.is_one();
    const std::string digits = trivial ? std::string() : value.to_string();
    // What would be too long to write down stays a power.
    if (trivial || (exponent <= 4096 && digits.size() * static_cast<std::size_t>(exponent) <= 4096))
      return number(caravan::data::power(value, exponent));
    return function("power", {base, number(exponent)});
  }
  if (base.top.size() == 1 && is_plain(base.bottom) ? exponent > 4 * kMaxWhole : exponent > kMaxWhole)
    return function("power", {base, number(exponent)});
  Value result = number(1);
  for (std::int64_t i = 0; i < exponent; ++i) result = multiply(result, base);
  return result;
}

Value Algebra::broken_power(const Value& base, std::int64_t top, std::int64_t bottom) {
  step(10);
  const auto root = [&](const Sum& sum) {
    return root_of_sum(sum, static_cast<int>(top), static_cast<int>(bottom));
  };
  if (base.top.empty()) return top > 0 ? number(0) : throw NoValue();
  if (top < 0) return divide(number(1), broken_power(base, -top, bottom));
  if (is_plain(base.bottom)) return of_sum(root(base.top));
  return divide(of_sum(root(base.top)), of_sum(root(base.bottom)));
}

Sum Algebra::prime_power(const BigInteger& prime, std::int64_t times, int top, int bottom) {
  const int id = find_atom("prime " + prime.to_string(), {Kind::kPrime, prime.approximate(), prime, {}});
  if (times > 4096) throw BudgetSpent();
  int exponent = static_cast<int>(times) * top;
  const int divisor = std::gcd(exponent, bottom);
  return multiply_terms({{id, exponent / divisor, bottom / divisor}}, {}, 1);
}

// The root of a number: that of each of its primes. What is left behind the small primes counts as one.
Sum Algebra::root_of_number(Rational number, int top, int bottom) {
  constexpr std::int64_t kLargest = 4000;
  Sum result{{Monomial(), Rational(1)}};
  if (number.is_negative()) {
    if (bottom % 2 == 0) {
      if (bottom != 2) throw NoValue();
      for (int i = 0; i < top; ++i) result = multiply_sums(result, imaginary().top);
    } else if (top % 2 != 0) {
      result = {{Monomial(), Rational(-1)}};
    }
    number = -number;
  }
  for (const bool below : {false, true}) {
    BigInteger rest = below ? number.bottom() : number.top(), quotient, left;
    for (std::int64_t prime = 2; prime <= kLargest && !rest.is_one(); prime += prime == 2 ? 1 : 2) {
      if (const auto small = rest.small(); small && prime * prime > *small) break;
      if (prime % 64 == 1) step();
      std::int64_t times = 0;
      for (BigInteger::divide(rest, prime, quotient, left); left.is_zero();
           BigInteger::divide(rest, prime, quotient, left)) {
        rest = quotient;
        ++times;
      }
      if (times > 0) result = multiply_sums(result, prime_power(prime, below ? -times : times, top, bottom));
    }
    if (const std::optional<std::int64_t> left_over = rest.small()) {
      const auto side = static_cast<std::int64_t>(std::llround(std::sqrt(static_cast<double>(*left_over))));
      constexpr std::int64_t kMaxSide = 3037000499;  // whose square fits
      if (side > 1 && side <= kMaxSide && side * side == *left_over) {
        result = multiply_sums(result, prime_power(side, below ? -2 : 2, top, bottom));
        continue;
      }
    }
    if (!rest.is_one()) result = multiply_sums(result, prime_power(rest, below ? -1 : 1, top, bottom));
  }
  return result;
}

// Powers of symbols under a root: even ones would lose their sign, so they keep it as an absolute value.
Sum Algebra::root_of_term(const Monomial& monomial, int top, int bottom) {
  Sum result{{Monomial(), Rational(1)}};
  for (const AtomPower& power : monomial) {
    const Kind kind = atoms_[static_cast<std::size_t>(power.atom)].kind;
    if (kind == Kind::kImaginary) throw NoValue();
    const bool loses_sign =
        kind == Kind::kSymbol && bottom % 2 == 0 && power.bottom == 1 && power.top % 2 == 0;
    if (loses_sign) {
      const Value size = function("abs", {of_sum({{{{power.atom, 1, 1}}, Rational(1)}})});
      const int divisor = std::gcd(power.top * top, bottom);
      Monomial scaled = size.top.begin()->first;
      scaled[0].top = power.top * top / divisor;
      scaled[0].bottom = bottom / divisor;
      result = multiply_sums(result, {{scaled, Rational(1)}});
      continue;
    }
    const int up = power.top * top, down = power.bottom * bottom, divisor = std::gcd(up, down);
    result = multiply_sums(result, multiply_terms({{power.atom, up / divisor, down / divisor}}, {}, 1));
  }
  return result;
}

Sum Algebra::root_of_sum(const Sum& sum, int top, int bottom) {
  if (sum.size() == 1) {
    const auto& [monomial, factor] = *sum.begin();
    return multiply_sums(root_of_number(factor, top, bottom), root_of_term(monomial, top, bottom));
  }
  // The common factor comes out, so that 8 + 4x and 2 + x have the same root.
  BigInteger tops, bottoms = 1;
  for (const auto& [monomial, factor] : sum) {
    tops = greatest_common_divisor(tops, factor.top());
    const BigInteger common = greatest_common_divisor(bottoms, factor.bottom());
    BigInteger quotient, rest;
    BigInteger::divide(factor.bottom(), common, quotient, rest);
    bottoms = bottoms * quotient;
  }
  const Rational common(tops, bottoms);
  Sum inner;
  for (const auto& [monomial, factor] : sum) add_term(inner, monomial, factor / common);
  const int id = find_atom("root " + text_of(inner), {Kind::kRoot, approximate(inner), {}, inner});
  const int divisor = std::gcd(top, bottom);
  return multiply_sums(root_of_number(common, top, bottom),
                       {{{{id, top / divisor, bottom / divisor}}, Rational(1)}});
}

}  // namespace caravan::data
