// Exact arithmetic and the equality of answers.
#include <gtest/gtest.h>

#include "data/rewards/answer_value.h"
#include "data/rewards/latex_normal.h"
#include "data/rewards/verifier_table.h"

namespace caravan::tests {
namespace {

using data::BigInteger;
using data::Rational;
using data::Verdict;

TEST(BigInteger, DivisionUndoesMultiplication) {
  // Limbs of all ones and of zeros make the guesses of long division wrong.
  BigInteger a = 1, b = 1;
  for (int i = 1; i < 40; ++i) {
    a = a * BigInteger(i % 3 == 0 ? 0xffffffffll : 0x80000001ll) + BigInteger(i);
    b = i % 2 == 0 ? b * BigInteger(0xfffffffell) + BigInteger(1) : b;
    BigInteger quotient, rest;
    BigInteger::divide(a, b, quotient, rest);
    EXPECT_EQ(quotient * b + rest, a);
    EXPECT_LT(BigInteger::compare(rest, b), 0);
  }
  EXPECT_EQ(power(BigInteger(7), 30).to_string(), "22539340290692258087863249");
  EXPECT_EQ(BigInteger::from_digits("22539340290692258087863249"), power(BigInteger(7), 30));
  EXPECT_THROW(power(BigInteger(7), 30000), data::BudgetSpent);
}

TEST(Rational, ReducesAndReadsDecimals) {
  EXPECT_EQ(Rational(6, -4), Rational(-3, 2));
  EXPECT_EQ(Rational::from_decimal("0.250"), Rational(1, 4));
  EXPECT_EQ(Rational(1, 3) + Rational(1, 6), Rational(1, 2));
  EXPECT_EQ(power(Rational(2, 3), -2), Rational(9, 4));
}

std::string verdict(const std::string& answer, const std::string& label) {
  return std::string(name_of(data::make_verifier("math")->verify("\\boxed{" + answer + "}", label).verdict));
}

TEST(MathAnswers, Equal) {
  for (const auto& [answer, label] : std::vector<std::pair<std::string, std::string>>{
           {"\\frac{\\sqrt{2}}{2}", "\\frac{1}{\\sqrt{2}}"},
           {"\\frac{1}{1+\\sqrt{2}}", "\\sqrt{2}-1"},
           {"\\sqrt{12}+\\sqrt{27}", "5\\sqrt3"},
           {"\\sqrt[3]{16}", "2\\sqrt[3]{2}"},
           {"\\sqrt{6}", "\\sqrt{2}\\sqrt{3}"},
           {"4^{3/2}", "8"},
           {"\\frac{x^2-1}{x-1}", "x+1"},
           {"(a+b)^3", "a^3+3a^2b+3ab^2+b^3"},
           {"\\frac{2}{4}x", "x/2"},
           {"\\sqrt{8+4x}", "2\\sqrt{2+x}"},
           {"\\binom{5}{2}", "10"},
           {"3!", "6"},
           {"2+3i", "3i+2"},
           {"(1+i)^2", "2i"},
           {"\\log_2 8", "3"},
           {"\\sin\\frac{\\pi}{6}", "\\frac12"},
           {"e^{2}", "e \\cdot e"},
           {"x \\in [1,2)", "[1, 2)"},
           {"1 \\le x < 2", "[1,2)"},
           {"x > -1", "(-1,\\infty)"},
           {"(-\\infty,1)\\cup(2,\\infty)", "(2,\\infty) \\cup (-\\infty,1)"},
           {"\\pm 2", "2,-2"},
           {"x=1, x=2", "1, 2"},
           {"2x+4y=6", "x+2y=3"},
           {"12\\text{ inches}", "12"},
           {"12 cm^2", "12"},
           {"\\$1{,}250.00", "1250"},
           {"\\text{Monday}", "monday"},
           {"\\begin{pmatrix} 1/2 \\\\ 3 \\end{pmatrix}", "\\begin{pmatrix} 0.5 \\\\ 3 \\end{pmatrix}"},
           {"|{-3}|", "3"}})
    EXPECT_EQ(verdict(answer, label), "right") << answer << " | " << label;
}

TEST(MathAnswers, Different) {
  for (const auto& [answer, label] : std::vector<std::pair<std::string, std::string>>{
           {"0.333", "\\frac13"},
           {"\\sqrt{2}", "1.41421356"},
           {"x^2+1", "(x+1)^2"},
           {"\\frac{1}{2}", "\\frac{1}{3}"},
           {"(1,2)", "(2,1)"},
           {"x<3", "x \\le 3"},
           {"\\{1,2\\}", "\\{1,3\\}"},
           {"-5", "5"},
           {"2\\sqrt{2}", "\\sqrt{2}"},
           {"\\sin x", "\\cos x"},
           {"9^{9^{9^9}}", "1"},
           {"10^{10^{10}}", "10"},
           {"x", "y"},
           {"\\text{Monday}", "Tuesday"},
           {"5", "\\text{Monday}"},
           {"\\begin{pmatrix}1&2\\end{pmatrix}", "\\begin{pmatrix}1\\\\2\\end{pmatrix}"}})
    EXPECT_EQ(verdict(answer, label), "wrong") << answer << " | " << label;
}

TEST(MathAnswers, CannotTell) {
  for (const auto& [answer, label] :
       std::vector<std::pair<std::string, std::string>>{{"\\frac{1}{0}", "2"},
                                                        {"\\frac{1}{", "2"},
                                                        {"(1,2)", "1,2"},
                                                        {"\\begin{weird}1\\end{weird}", "1"},
                                                        {"5", ""}})
    EXPECT_EQ(verdict(answer, label), "unknown") << answer << " | " << label;
}

}  // namespace
}  // namespace caravan::tests
