#include "data/chat/jinja_arguments.h"

#include <algorithm>
#include <string>

#include "data/chat/jinja_fault.h"
#include "data/chat/jinja_operators.h"

namespace caravan::data::jinja {

void expect_no_arguments(const Arguments& arguments) {
  std::size_t given = arguments.positional.size() + arguments.named.size();
  if (given != 0)
    throw Fault(std::string(arguments.callee) + " takes no arguments, got " + std::to_string(given));
}

BoundArguments::BoundArguments(const Arguments& arguments, std::initializer_list<std::string_view> parameters)
    : callee_(arguments.callee) {
  for (std::size_t i = 0; i < parameters.size(); ++i) values_[i] = make_missing();
  if (arguments.positional.size() > parameters.size()) {
    throw Fault(std::string(callee_) + " takes at most " + std::to_string(parameters.size()) +
                " arguments, got " + std::to_string(arguments.positional.size()));
  }
  std::copy(arguments.positional.begin(), arguments.positional.end(), values_);
  for (const NamedValue& named : arguments.named) {
    const auto* found = std::find(parameters.begin(), parameters.end(), named.name);
    if (found == parameters.end()) {
      throw Fault(std::string(callee_) + " has no parameter '" + std::string(named.name) + "'");
    }
    auto index = static_cast<std::size_t>(found - parameters.begin());
    if (has(index)) throw Fault(std::string(callee_) + " got '" + std::string(named.name) + "' twice");
    values_[index] = named.value;
  }
}

const Value& BoundArguments::value(std::size_t index, std::string_view what) const {
  if (!has(index)) throw Fault(std::string(callee_) + " needs the argument " + std::string(what));
  return values_[index];
}

std::int64_t BoundArguments::integer_or(std::size_t index, std::int64_t fallback) const {
  if (!has(index)) return fallback;
  const Value& value = values_[index];
  if (value.is(Kind::kInt)) return value.integer;
  if (value.is(Kind::kBool)) return value.boolean ? 1 : 0;
  throw Fault(std::string(callee_) + " needs an integer, got " + type_name(value));
}

bool BoundArguments::flag_or(std::size_t index, bool fallback) const {
  return has(index) ? is_true(values_[index]) : fallback;
}

std::string_view BoundArguments::text(std::size_t index, std::string_view what) const {
  const Value& found = value(index, what);
  if (!found.is_string()) throw Fault(std::string(callee_) + " needs a text, got " + type_name(found));
  return found.view();
}

}  // namespace caravan::data::jinja
