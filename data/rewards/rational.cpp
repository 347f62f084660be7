#include "data/rewards/rational.h"

namespace caravan::data {

Rational::Rational(BigInteger top, BigInteger bottom) : top_(std::move(top)), bottom_(std::move(bottom)) {
  if (bottom_.is_negative()) {
    top_ = -top_;
    bottom_ = -bottom_;
  }
  if (bottom_.is_one()) return;
  const BigInteger divisor = greatest_common_divisor(top_, bottom_);
  if (divisor.is_one()) return;
  BigInteger rest;
  BigInteger::divide(top_, divisor, top_, rest);
  BigInteger::divide(bottom_, divisor, bottom_, rest);
}

Rational Rational::from_decimal(std::string_view digits) {
  const std::size_t point = digits.find('.');
  if (point == std::string_view::npos) return {BigInteger::from_digits(digits), 1};
  std::string_view after = digits.substr(point + 1);
  after = after.substr(0, after.find_last_not_of('0') + 1);
  if (after.size() > BigInteger::kMaxDigits) throw BudgetSpent();
  const std::string all = std::string(digits.substr(0, point)).append(after);
  return {BigInteger::from_digits(all), power(BigInteger(10), after.size())};
}

std::string Rational::to_string() const {
  return is_whole() ? top_.to_string() : top_.to_string() + "/" + bottom_.to_string();
}

Rational Rational::operator-() const {
  Rational result = *this;
  result.top_ = -top_;
  return result;
}

Rational operator+(const Rational& a, const Rational& b) {
  if (a.is_whole() && b.is_whole()) return {a.top_ + b.top_, 1};
  return {a.top_ * b.bottom_ + b.top_ * a.bottom_, a.bottom_ * b.bottom_};
}
Rational operator*(const Rational& a, const Rational& b) {
  return {a.top_ * b.top_, a.bottom_ * b.bottom_};
}
Rational operator/(const Rational& a, const Rational& b) {
  return {a.top_ * b.bottom_, a.bottom_ * b.top_};
}

Rational power(const Rational& base, std::int64_t exponent) {
  if (exponent < 0) return Rational(1) / power(base, -exponent);
  const auto times = static_cast<std::uint64_t>(exponent);
  return {power(base.top(), times), power(base.bottom(), times)};
}

}  // namespace caravan::data
