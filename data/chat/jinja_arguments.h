// What a filter, test, method or function is called with.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "data/chat/jinja_value.h"

namespace caravan::data::jinja {

struct NamedValue {
  std::string_view name;
  Value value;
};

struct Arguments {
  std::span<const Value> positional;
  std::span<const NamedValue> named;
  std::string_view callee;  // for messages
};

// Throws Fault where something is given to what takes nothing.
void expect_no_arguments(const Arguments& arguments);

// Arguments by parameter, as Python binds them.
class BoundArguments {
 public:
  // `parameters`: names in order. Throws Fault for too many arguments, an unknown name or one given twice.
  BoundArguments(const Arguments& arguments, std::initializer_list<std::string_view> parameters);

  bool has(std::size_t index) const { return !values_[index].is(Kind::kMissing); }
  const Value& value(std::size_t index, std::string_view what) const;  // throws where absent
  Value value_or(std::size_t index, const Value& fallback) const {
    return has(index) ? values_[index] : fallback;
  }
  std::int64_t integer_or(std::size_t index, std::int64_t fallback) const;
  bool flag_or(std::size_t index, bool fallback) const;
  // None counts as absent, as Python's optional parameters do.
  bool has_value(std::size_t index) const { return has(index) && !values_[index].is(Kind::kNone); }
  std::string_view text(std::size_t index, std::string_view what) const;

 private:
  static constexpr std::size_t kMax = 8;
  std::string_view callee_;
  Value values_[kMax];  // only those of the parameters are set
};

}  // namespace caravan::data::jinja
