#include "data/rewards/functions.h"

#include <cmath>
#include <limits>

namespace caravan::data {

std::complex<double> evaluate_function(std::string_view name,
                                       const std::vector<std::complex<double>>& arguments) {
  const std::complex<double> nan(std::numeric_limits<double>::quiet_NaN(), 0);
  if (arguments.size() == 2) {
    const std::complex<double> a = arguments[0], b = arguments[1];
    // A tower of powers has a size too large for figures, but a size.
    if (name == "power" && a.imag() == 0 && b.imag() == 0) return std::pow(a.real(), b.real());
    if (name == "power") return std::pow(a, b);
    if (name == "log") return std::log(b) / std::log(a);
    return nan;
  }
  if (arguments.size() != 1) return nan;
  const std::complex<double> x = arguments[0];
  if (name == "sin") return std::sin(x);
  if (name == "cos") return std::cos(x);
  if (name == "tan") return std::tan(x);
  if (name == "cot") return 1.0 / std::tan(x);
  if (name == "sec") return 1.0 / std::cos(x);
  if (name == "csc") return 1.0 / std::sin(x);
  if (name == "arcsin") return std::asin(x);
  if (name == "arccos") return std::acos(x);
  if (name == "arctan") return std::atan(x);
  if (name == "sinh") return std::sinh(x);
  if (name == "cosh") return std::cosh(x);
  if (name == "tanh") return std::tanh(x);
  if (name == "ln" || name == "log") return std::log(x);
  if (name == "exp") return std::exp(x);
  if (name == "abs") return std::abs(x);
  if (x.imag() != 0) return nan;
  if (name == "factorial") return std::tgamma(x.real() + 1);
  if (name == "floor") return std::floor(x.real());
  if (name == "ceil") return std::ceil(x.real());
  return nan;
}

}  // namespace caravan::data
