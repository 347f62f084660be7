// Whole numbers of up to 16,384 bits: enough for any answer, too few to hurt.
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace caravan::data {

// Thrown inside the evaluator where a number, a sum or the number of steps would grow too large; verifiers
// turn it into a verdict.
struct BudgetSpent : std::exception {
  const char* what() const noexcept override { return "the step budget is spent"; }
};

class BigInteger {
 public:
  static constexpr std::size_t kMaxLimbs = 512;  // of 32 bits
  static constexpr std::size_t kMaxDigits = 4900;

  BigInteger() = default;
  BigInteger(std::int64_t value);  // NOLINT(google-explicit-constructor): numbers are written as numbers
  // ASCII digits only; throws BudgetSpent where there are too many.
  static BigInteger from_digits(std::string_view digits);

  bool is_zero() const { return limbs_.empty(); }
  bool is_negative() const { return negative_; }
  bool is_one() const { return !negative_ && limbs_.size() == 1 && limbs_[0] == 1; }
  std::optional<std::int64_t> small() const;  // where it fits
  double approximate() const;
  std::string to_string() const;  // decimal

  BigInteger operator-() const;
  friend BigInteger operator+(const BigInteger& a, const BigInteger& b);
  friend BigInteger operator-(const BigInteger& a, const BigInteger& b) { return a + -b; }
  friend BigInteger operator*(const BigInteger& a, const BigInteger& b);
  // Towards zero; `b` is not zero.
  static void divide(const BigInteger& a, const BigInteger& b, BigInteger& quotient, BigInteger& rest);
  friend bool operator==(const BigInteger&, const BigInteger&) = default;
  // Negative, zero or positive.
  static int compare(const BigInteger& a, const BigInteger& b);

 private:
  using Limbs = std::vector<std::uint32_t>;
  static int compare_limbs(const Limbs& a, const Limbs& b);
  static Limbs add_limbs(const Limbs& a, const Limbs& b);
  static Limbs subtract_limbs(const Limbs& a, const Limbs& b);  // a >= b
  static std::uint32_t divide_small(Limbs& a, std::uint32_t by);
  static void divide_limbs(const Limbs& a, const Limbs& b, Limbs& quotient, Limbs& rest);
  void settle();

  Limbs limbs_;  // lowest first, no zero at the end
  bool negative_ = false;
};

BigInteger greatest_common_divisor(BigInteger a, BigInteger b);
BigInteger power(BigInteger base, std::uint64_t exponent);

}  // namespace caravan::data
