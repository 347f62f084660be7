#include "data/rewards/big_integer.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace caravan::data {
namespace {

void drop_zeros(std::vector<std::uint32_t>& limbs) {
  while (!limbs.empty() && limbs.back() == 0) limbs.pop_back();
}

}  // namespace

BigInteger::BigInteger(std::int64_t value) : negative_(value < 0) {
  std::uint64_t rest = negative_ ? ~static_cast<std::uint64_t>(value) + 1 : static_cast<std::uint64_t>(value);
  for (; rest != 0; rest >>= 32) limbs_.push_back(static_cast<std::uint32_t>(rest));
}

BigInteger BigInteger::from_digits(std::string_view digits) {
  const std::size_t first = digits.find_first_not_of('0');
  digits.remove_prefix(std::min(first, digits.size()));
  if (digits.size() > kMaxDigits) throw BudgetSpent();
  BigInteger result;
  for (const char digit : digits) {
    std::uint64_t carry = static_cast<std::uint64_t>(digit - '0');
    for (std::uint32_t& limb : result.limbs_) {
      carry += std::uint64_t{limb} * 10;
      limb = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
    if (carry != 0) result.limbs_.push_back(static_cast<std::uint32_t>(carry));
  }
  return result;
}

void BigInteger::settle() {
  drop_zeros(limbs_);
  if (limbs_.empty()) negative_ = false;
  if (limbs_.size() > kMaxLimbs) throw BudgetSpent();
}

std::optional<std::int64_t> BigInteger::small() const {
  if (limbs_.size() > 2) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = limbs_.size(); i-- > 0;) value = value << 32 | limbs_[i];
  if (value > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
  return negative_ ? -static_cast<std::int64_t>(value) : static_cast<std::int64_t>(value);
}

double BigInteger::approximate() const {
  double value = 0;
  for (std::size_t i = limbs_.size(); i-- > 0;) value = value * 4294967296.0 + limbs_[i];
  return negative_ ? -value : value;
}

std::string BigInteger::to_string() const {
  if (limbs_.empty()) return "0";
  std::string digits;
  for (Limbs rest = limbs_; !rest.empty();) {
    std::uint32_t nine = divide_small(rest, 1000000000u);
    for (int i = 0; i < 9 && (nine != 0 || !rest.empty()); ++i, nine /= 10)
      digits.push_back(static_cast<char>('0' + nine % 10));
  }
  if (negative_) digits.push_back('-');
  std::reverse(digits.begin(), digits.end());
  return digits;
}

BigInteger BigInteger::operator-() const {
  BigInteger result = *this;
  if (!is_zero()) result.negative_ = !negative_;
  return result;
}

BigInteger operator+(const BigInteger& a, const BigInteger& b) {
  BigInteger result;
  if (a.negative_ == b.negative_) {
    result.limbs_ = BigInteger::add_limbs(a.limbs_, b.limbs_);
    result.negative_ = a.negative_;
  } else {
    const bool a_wins = BigInteger::compare_limbs(a.limbs_, b.limbs_) >= 0;
    result.limbs_ = a_wins ? BigInteger::subtract_limbs(a.limbs_, b.limbs_)
                           : BigInteger::subtract_limbs(b.limbs_, a.limbs_);
    result.negative_ = a_wins ? a.negative_ : b.negative_;
  }
  result.settle();
  return result;
}

BigInteger operator*(const BigInteger& a, const BigInteger& b) {
  if (a.limbs_.size() + b.limbs_.size() > BigInteger::kMaxLimbs) throw BudgetSpent();
  BigInteger result;
  result.limbs_.assign(a.limbs_.size() + b.limbs_.size(), 0);
  for (std::size_t i = 0; i < a.limbs_.size(); ++i) {
    std::uint64_t carry = 0;
    for (std::size_t j = 0; j < b.limbs_.size(); ++j) {
      carry += std::uint64_t{a.limbs_[i]} * b.limbs_[j] + result.limbs_[i + j];
      result.limbs_[i + j] = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
    result.limbs_[i + b.limbs_.size()] = static_cast<std::uint32_t>(carry);
  }
  result.negative_ = a.negative_ != b.negative_;
  result.settle();
  return result;
}

void BigInteger::divide(const BigInteger& a, const BigInteger& b, BigInteger& quotient, BigInteger& rest) {
  BigInteger q, r;
  divide_limbs(a.limbs_, b.limbs_, q.limbs_, r.limbs_);
  q.negative_ = a.negative_ != b.negative_;
  r.negative_ = a.negative_;
  q.settle();
  r.settle();
  quotient = std::move(q);
  rest = std::move(r);
}

int BigInteger::compare(const BigInteger& a, const BigInteger& b) {
  if (a.negative_ != b.negative_) return a.negative_ ? -1 : 1;
  const int order = compare_limbs(a.limbs_, b.limbs_);
  return a.negative_ ? -order : order;
}

int BigInteger::compare_limbs(const Limbs& a, const Limbs& b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  for (std::size_t i = a.size(); i-- > 0;) {
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}

BigInteger::Limbs BigInteger::add_limbs(const Limbs& a, const Limbs& b) {
  Limbs sum;
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < std::max(a.size(), b.size()) || carry != 0; ++i) {
    carry += (i < a.size() ? std::uint64_t{a[i]} : 0) + (i < b.size() ? b[i] : 0);
    sum.push_back(static_cast<std::uint32_t>(carry));
    carry >>= 32;
  }
  return sum;
}

BigInteger::Limbs BigInteger::subtract_limbs(const Limbs& a, const Limbs& b) {
  Limbs difference(a.size());
  std::int64_t borrow = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    borrow += std::int64_t{a[i]} - (i < b.size() ? b[i] : 0);
    difference[i] = static_cast<std::uint32_t>(borrow);
    borrow >>= 32;
  }
  return difference;
}

std::uint32_t BigInteger::divide_small(Limbs& a, std::uint32_t by) {
  std::uint64_t rest = 0;
  for (std::size_t i = a.size(); i-- > 0;) {
    rest = rest << 32 | a[i];
    a[i] = static_cast<std::uint32_t>(rest / by);
    rest %= by;
  }
  drop_zeros(a);
  return static_cast<std::uint32_t>(rest);
}

// Knuth, The Art of Computer Programming 4.3.1, algorithm D.
void BigInteger::divide_limbs(const Limbs& a, const Limbs& b, Limbs& quotient, Limbs& rest) {
  if (compare_limbs(a, b) < 0) {
    rest = a;
    return;
  }
  if (b.size() == 1) {
    quotient = a;
    rest = {divide_small(quotient, b[0])};
    return;
  }
  const int shift = std::countl_zero(b.back());
  const auto shifted = [shift](const Limbs& limbs, std::size_t i) {
    const std::uint64_t low = i > 0 && shift > 0 ? limbs[i - 1] >> (32 - shift) : 0;
    return static_cast<std::uint32_t>((i < limbs.size() ? std::uint64_t{limbs[i]} << shift : 0) | low);
  };
  Limbs u(a.size() + 1), v(b.size());
  for (std::size_t i = 0; i < u.size(); ++i) u[i] = shifted(a, i);
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = shifted(b, i);
  quotient.assign(a.size() - b.size() + 1, 0);
  for (std::size_t j = quotient.size(); j-- > 0;) {
    const std::uint64_t top = std::uint64_t{u[j + v.size()]} << 32 | u[j + v.size() - 1];
    std::uint64_t guess = top / v.back(), left = top % v.back();
    while (guess >> 32 != 0 || guess * v[v.size() - 2] > (left << 32 | u[j + v.size() - 2])) {
      --guess;
      left += v.back();
      if (left >> 32 != 0) break;
    }
    std::int64_t borrow = 0;
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < v.size(); ++i) {
      carry += guess * v[i];
      borrow += std::int64_t{u[i + j]} - static_cast<std::int64_t>(carry & 0xffffffffu);
      u[i + j] = static_cast<std::uint32_t>(borrow);
      borrow >>= 32;
      carry >>= 32;
    }
    borrow += std::int64_t{u[j + v.size()]} - static_cast<std::int64_t>(carry);
    u[j + v.size()] = static_cast<std::uint32_t>(borrow);
    if (borrow < 0) {  // one too many: add the divisor back
      --guess;
      std::uint64_t sum = 0;
      for (std::size_t i = 0; i < v.size(); ++i) {
        sum += std::uint64_t{u[i + j]} + v[i];
        u[i + j] = static_cast<std::uint32_t>(sum);
        sum >>= 32;
      }
      u[j + v.size()] += static_cast<std::uint32_t>(sum);
    }
    quotient[j] = static_cast<std::uint32_t>(guess);
  }
  rest.resize(v.size());
  for (std::size_t i = 0; i < v.size(); ++i) {
    const std::uint64_t high = shift > 0 ? std::uint64_t{u[i + 1]} << (32 - shift) : 0;
    rest[i] = static_cast<std::uint32_t>(u[i] >> shift | high);
  }
  drop_zeros(quotient);
  drop_zeros(rest);
}

BigInteger greatest_common_divisor(BigInteger a, BigInteger b) {
  const std::optional<std::int64_t> x = a.small(), y = b.small();
  if (x && y) return std::gcd(*x, *y);
  BigInteger quotient, rest;
  while (!b.is_zero()) {
    BigInteger::divide(a, b, quotient, rest);
    a = std::move(b);
    b = std::move(rest);
  }
  return a.is_negative() ? -a : a;
}

BigInteger power(BigInteger base, std::uint64_t exponent) {
  if (base.is_zero() || base.is_one()) return exponent == 0 ? BigInteger(1) : base;
  BigInteger result = 1;
  for (; exponent != 0; exponent >>= 1) {
    if (exponent & 1) result = result * base;
    if (exponent > 1) base = base * base;
  }
  return result;
}

}  // namespace caravan::data
