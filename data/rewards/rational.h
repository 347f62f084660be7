// Exact fractions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "data/rewards/big_integer.h"

namespace caravan::data {

class Rational {
 public:
  Rational() = default;
  Rational(std::int64_t value) : top_(value) {}  // NOLINT(google-explicit-constructor)
  Rational(BigInteger top, BigInteger bottom);   // bottom is not zero
  // "12", "12.50", ".5": ASCII digits and at most one point. Throws BudgetSpent where there are too many
  // digits.
  static Rational from_decimal(std::string_view digits);

  const BigInteger& top() const { return top_; }
  const BigInteger& bottom() const { return bottom_; }
  bool is_zero() const { return top_.is_zero(); }
  bool is_one() const { return top_.is_one() && bottom_.is_one(); }
  bool is_whole() const { return bottom_.is_one(); }
  bool is_negative() const { return top_.is_negative(); }
  std::optional<std::int64_t> small() const { return is_whole() ? top_.small() : std::nullopt; }
  double approximate() const { return top_.approximate() / bottom_.approximate(); }
  std::string to_string() const;

  Rational operator-() const;
  friend Rational operator+(const Rational& a, const Rational& b);
  friend Rational operator-(const Rational& a, const Rational& b) { return a + -b; }
  friend Rational operator*(const Rational& a, const Rational& b);
  friend Rational operator/(const Rational& a, const Rational& b);  // b is not zero
  friend bool operator==(const Rational&, const Rational&) = default;
  friend bool operator<(const Rational& a, const Rational& b) { return (a - b).is_negative(); }

 private:
  BigInteger top_, bottom_ = 1;  // no common divisor, bottom positive
};

// A negative exponent asks for a base that is not zero.
Rational power(const Rational& base, std::int64_t exponent);

}  // namespace caravan::data
