#include "data/rewards/expression.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "data/rewards/functions.h"

namespace caravan::data {
namespace {

constexpr std::size_t kMaxSteps = 40000, kMaxTerms = 400;
constexpr int kMaxExponent = 4096;

// A number between 1 and 2 that only the name decides: formulas are compared at such a place where they
// cannot be exactly.
double place_of(const std::string& name) {
  std::uint64_t hash = 1469598103934665603u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  hash ^= hash >> 29;
  return 1 + static_cast<double>(hash % 1000003) / 1000003.0;
}

Monomial inverse(Monomial monomial) {
  for (AtomPower& power : monomial) power.top = -power.top;
  return monomial;
}

}  // namespace

void Algebra::step(std::size_t cost) {
  steps_ += cost;
  if (steps_ > kMaxSteps) throw BudgetSpent();
}

int Algebra::find_atom(const std::string& key, const Atom& atom) {
  const auto [found, added] = ids_.emplace(key, static_cast<int>(atoms_.size()));
  if (added) atoms_.push_back(atom);
  return found->second;
}

Value Algebra::of_sum(Sum sum) const {
  return {std::move(sum), {{Monomial(), Rational(1)}}};
}

Value Algebra::number(const Rational& value) const {
  Sum sum;
  add_term(sum, {}, value);
  return of_sum(std::move(sum));
}

Value Algebra::symbol(const std::string& name) {
  const double value = name == "\\pi" ? M_PI : name == "e" ? M_E : place_of(name);
  const int id = find_atom("symbol " + name, {Kind::kSymbol, value, {}, {}});
  return of_sum({{{{id, 1, 1}}, Rational(1)}});
}

Value Algebra::imaginary() {
  const int id = find_atom("i", {Kind::kImaginary, {0, 1}, {}, {}});
  return of_sum({{{{id, 1, 1}}, Rational(1)}});
}

Value Algebra::function(const std::string& name, const std::vector<Value>& arguments) {
  std::string key = "function " + name;
  std::vector<std::complex<double>> figures;
  for (const Value& argument : arguments) {
    key += "|" + text_of(argument);
    figures.push_back(approximate(argument));
  }
  step(10);
  const int id = find_atom(key, {Kind::kFunction, evaluate_function(name, figures), {}, {}});
  return of_sum({{{{id, 1, 1}}, Rational(1)}});
}

void Algebra::add_term(Sum& sum, const Monomial& monomial, const Rational& factor) {
  if (factor.is_zero()) return;
  const auto [found, added] = sum.emplace(monomial, factor);
  if (added) return;
  found->second = found->second + factor;
  if (found->second.is_zero()) sum.erase(found);
}

Value Algebra::settle(Sum top, Sum bottom) {
  if (bottom.empty()) throw NoValue();
  if (bottom.size() != 1) return {std::move(top), std::move(bottom)};
  const auto& [monomial, factor] = *bottom.begin();
  const bool has_root = std::any_of(monomial.begin(), monomial.end(), [&](const AtomPower& power) {
    return atoms_[static_cast<std::size_t>(power.atom)].kind == Kind::kRoot;
  });
  if (has_root) return {std::move(top), std::move(bottom)};
  if (monomial.empty() && factor.is_one()) return {std::move(top), std::move(bottom)};
  return of_sum(multiply_sums(top, {{inverse(monomial), Rational(1) / factor}}));
}

Value Algebra::add(const Value& a, const Value& b) {
  if (a.bottom == b.bottom) {
    Sum top = a.top;
    for (const auto& [monomial, factor] : b.top) add_term(top, monomial, factor);
    step(b.top.size());
    return {std::move(top), a.bottom};
  }
  Sum top = multiply_sums(a.top, b.bottom);
  for (const auto& [monomial, factor] : multiply_sums(b.top, a.bottom)) add_term(top, monomial, factor);
  return settle(std::move(top), multiply_sums(a.bottom, b.bottom));
}

Value Algebra::multiply(const Value& a, const Value& b) {
  return settle(multiply_sums(a.top, b.top), multiply_sums(a.bottom, b.bottom));
}

Value Algebra::divide(const Value& a, const Value& b) {
  if (b.top.empty()) throw NoValue();
  return settle(multiply_sums(a.top, b.bottom), multiply_sums(a.bottom, b.top));
}

Sum Algebra::multiply_sums(const Sum& a, const Sum& b) {
  Sum product;
  for (const auto& [left, left_factor] : a) {
    for (const auto& [right, right_factor] : b) {
      step();
      for (const auto& [monomial, factor] : multiply_terms(left, right, left_factor * right_factor))
        add_term(product, monomial, factor);
      if (product.size() > kMaxTerms) throw BudgetSpent();
    }
  }
  return product;
}

// The product of two terms: whole powers of primes go into the factor, i^2 is -1, whole powers of roots are
// their sums.
Sum Algebra::multiply_terms(const Monomial& a, const Monomial& b, Rational factor) {
  Monomial merged;
  Sum roots{{Monomial(), Rational(1)}};
  for (auto left = a.begin(), right = b.begin(); left != a.end() || right != b.end();) {
    AtomPower power = right == b.end() || (left != a.end() && left->atom <= right->atom) ? *left : *right;
    const bool both = left != a.end() && right != b.end() && left->atom == right->atom;
    if (both) {
      const int top = left->top * right->bottom + right->top * left->bottom,
                bottom = left->bottom * right->bottom;
      const int divisor = std::gcd(top, bottom);
      power.top = top / divisor;
      power.bottom = bottom / divisor;
    }
    const bool from_left = right == b.end() || (left != a.end() && left->atom <= right->atom);
    if (from_left || both) ++left;
    if (!from_left || both) ++right;
    if (std::abs(power.top) > kMaxExponent || power.bottom > kMaxExponent) throw BudgetSpent();
    const Atom& atom = atoms_[static_cast<std::size_t>(power.atom)];
    int whole = power.top / power.bottom;
    if (power.top < 0 && whole * power.bottom != power.top) --whole;
    if (atom.kind == Kind::kPrime && whole != 0) {
      factor = factor * caravan::data::power(Rational(atom.prime, 1), whole);
      power.top -= whole * power.bottom;
    } else if (atom.kind == Kind::kImaginary) {
      const int turns = ((power.top % 4) + 4) % 4;
      if (turns >= 2) factor = -factor;
      power.top = turns % 2;
    } else if (atom.kind == Kind::kRoot && whole > 0) {
      const Sum radicand = atom.radicand;
      for (int i = 0; i < whole; ++i) roots = multiply_sums(roots, radicand);
      power.top -= whole * power.bottom;
    }
    if (power.top != 0) merged.push_back(power);
  }
  if (roots.size() == 1 && roots.begin()->first.empty()) return {{merged, factor * roots.begin()->second}};
  return multiply_sums(roots, {{merged, factor}});
}

std::optional<Rational> Algebra::constant(const Value& value) const {
  const bool plain = value.bottom.size() == 1 && value.bottom.begin()->first.empty() &&
                     value.bottom.begin()->second.is_one();
  if (!plain) return std::nullopt;
  if (value.top.empty()) return Rational(0);
  if (value.top.size() != 1 || !value.top.begin()->first.empty()) return std::nullopt;
  return value.top.begin()->second;
}

Value Algebra::factorial(const Value& n) {
  constexpr std::int64_t kMax = 200;
  const std::optional<Rational> exact = constant(n);
  const std::optional<std::int64_t> small = exact ? exact->small() : std::nullopt;
  if (!small || *small < 0 || *small > kMax) return function("factorial", {n});
  Rational product = 1;
  for (std::int64_t i = 2; i <= *small; ++i) product = product * Rational(i);
  return number(product);
}

std::complex<double> Algebra::approximate(const Sum& sum) const {
  std::complex<double> total = 0;
  for (const auto& [monomial, factor] : sum) {
    std::complex<double> term = factor.approximate();
    for (const AtomPower& power : monomial) {
      const Atom& atom = atoms_[static_cast<std::size_t>(power.atom)];
      // No power of one: complex arithmetic would turn an infinity into no number.
      const bool once = power.top == 1 && power.bottom == 1;
      const std::complex<double> by =
          once ? atom.value : std::pow(atom.value, static_cast<double>(power.top) / power.bottom);
      term = by.imag() == 0 && term.imag() == 0 ? std::complex<double>(term.real() * by.real()) : term * by;
    }
    total += term;
  }
  return total;
}

std::complex<double> Algebra::approximate(const Value& value) const {
  const std::complex<double> top = approximate(value.top), bottom = approximate(value.bottom);
  if (top.imag() == 0 && bottom.imag() == 0) return top.real() / bottom.real();
  return top / bottom;
}

bool Algebra::has_opaque(const Value& value) const {
  const auto opaque = [&](const Sum& sum) {
    for (const auto& [monomial, factor] : sum) {
      for (const AtomPower& power : monomial) {
        const Kind kind = atoms_[static_cast<std::size_t>(power.atom)].kind;
        if (kind == Kind::kRoot || kind == Kind::kFunction) return true;
      }
    }
    return false;
  };
  return opaque(value.top) || opaque(value.bottom);
}

Equality Algebra::compare(const Value& a, const Value& b) {
  if (a.top == b.top && a.bottom == b.bottom) return Equality::kEqual;
  if (multiply_sums(a.top, b.bottom) == multiply_sums(b.top, a.bottom)) return Equality::kEqual;
  if (!has_opaque(a) && !has_opaque(b)) return Equality::kDifferent;
  const std::complex<double> x = approximate(a), y = approximate(b);
  const auto finite = [](std::complex<double> z) {
    return std::isfinite(z.real()) && std::isfinite(z.imag());
  };
  const auto endless = [](std::complex<double> z) { return std::isinf(z.real()) && !std::isnan(z.imag()); };
  if ((finite(x) && endless(y)) || (finite(y) && endless(x))) return Equality::kDifferent;
  if (!finite(x) || !finite(y)) return Equality::kUnsure;
  const double off = std::abs(x - y), size = std::max({std::abs(x), std::abs(y), 1e-300});
  if (off <= 1e-12 * size) return Equality::kEqual;
  return off > 1e-9 * size ? Equality::kDifferent : Equality::kUnsure;
}

std::string Algebra::text_of(const Sum& sum) {
  std::string text;
  for (const auto& [monomial, factor] : sum) {
    text += "+" + factor.to_string();
    for (const AtomPower& power : monomial)
      text += "a" + std::to_string(power.atom) + "^" + std::to_string(power.top) + "/" +
              std::to_string(power.bottom);
    if (text.size() > 65536) throw BudgetSpent();
  }
  return text;
}

std::string Algebra::text_of(const Value& value) {
  return text_of(value.top) + "//" + text_of(value.bottom);
}

}  // namespace caravan::data
