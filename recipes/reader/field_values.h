// From a scalar of a recipe to a member and back: one pair of functions for each type a field may have.
//
// parse_value returns an empty string, or what is wrong: what was found, what is allowed, what to do. Nothing
// is rounded, clipped or guessed: a number with a fraction is no count, a word is no boolean, a bare number
// is no quantity. value_text gives the text that parse_value reads back to the same value, bit for bit.
// allowed_text tells people what may stand there.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "data/choice_name.h"
#include "data/quantity.h"
#include "models/model_options.h"
#include "recipes/fields.h"
#include "recipes/reader/yaml_tree.h"

namespace caravan::recipes {

std::string parse_value(const YamlNode& node, const FieldSpec& spec, std::string& value);
std::string parse_value(const YamlNode& node, const FieldSpec& spec, bool& value);
std::string parse_value(const YamlNode& node, const FieldSpec& spec, std::int64_t& value);
std::string parse_value(const YamlNode& node, const FieldSpec& spec, std::uint64_t& value);
std::string parse_value(const YamlNode& node, const FieldSpec& spec, double& value);
std::string parse_value(const YamlNode& node, const FieldSpec& spec, std::array<double, 2>& value);
std::string parse_value(const YamlNode& node, const FieldSpec& spec, std::vector<std::string>& value);
std::string parse_value(const YamlNode& node, const FieldSpec& spec, data::Quantity& value);
std::string parse_value(const YamlNode& node, const FieldSpec& spec, models::Recompute& value);
std::string parse_value(const YamlNode& node, const FieldSpec& spec,
                        std::map<std::string, std::string>& value);
std::string parse_value(const YamlNode& node, const FieldSpec& spec, std::map<std::string, double>& value);
// The index of the choice named by `node`.
std::string parse_choice(const YamlNode& node, std::span<const std::string_view> names, std::size_t& index);

std::string value_text(const std::string& value);
std::string value_text(bool value);
std::string value_text(std::int64_t value, const FieldSpec& spec);
std::string value_text(std::uint64_t value);
std::string value_text(double value);
std::string value_text(const std::array<double, 2>& value);
std::string value_text(const std::vector<std::string>& value);
std::string value_text(const data::Quantity& value);
std::string value_text(const models::Recompute& value);
std::string value_text(const std::map<std::string, std::string>& value);
std::string value_text(const std::map<std::string, double>& value);

// "a number above 0 and at most 1", '"4096 tokens"', "one of bf16, fp32".
std::string allowed_text(const FieldSpec& spec, const std::string*);
std::string allowed_text(const FieldSpec& spec, const bool*);
std::string allowed_text(const FieldSpec& spec, const std::int64_t*);
std::string allowed_text(const FieldSpec& spec, const std::uint64_t*);
std::string allowed_text(const FieldSpec& spec, const double*);
std::string allowed_text(const FieldSpec& spec, const std::array<double, 2>*);
std::string allowed_text(const FieldSpec& spec, const std::vector<std::string>*);
std::string allowed_text(const FieldSpec& spec, const data::Quantity*);
std::string allowed_text(const FieldSpec& spec, const models::Recompute*);
std::string allowed_text(const FieldSpec& spec, const std::map<std::string, std::string>*);
std::string allowed_text(const FieldSpec& spec, const std::map<std::string, double>*);
std::string allowed_choices(std::span<const std::string_view> names);

// What stood there, for messages: `"fast"`, "a list", "nothing".
std::string found_text(const YamlNode& node);

template <class Enum>
requires std::is_enum_v<Enum> std::string parse_value(const YamlNode& node, const FieldSpec&, Enum& value) {
  constexpr auto names = choice_names(Enum{});
  std::size_t index = 0;
  std::string problem = parse_choice(node, names, index);
  if (problem.empty()) value = static_cast<Enum>(index);
  return problem;
}

// `null` switches an optional field off, so that an override can undo what the file says.
template <class T>
std::string parse_value(const YamlNode& node, const FieldSpec& spec, std::optional<T>& value) {
  if (node.kind == YamlNode::Kind::kNull) {
    value.reset();
    return {};
  }
  T parsed{};
  std::string problem = parse_value(node, spec, parsed);
  if (problem.empty()) value = parsed;
  return problem;
}

template <class T>
std::string field_text(const T& value, const FieldSpec& spec) {
  if constexpr (std::is_enum_v<T>) {
    return data::choice_name(value);
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    return value_text(value, spec);
  } else {
    return value_text(value);
  }
}

// Empty for an optional that is absent.
template <class T>
std::string field_text(const std::optional<T>& value, const FieldSpec& spec) {
  return value ? field_text(*value, spec) : std::string();
}

template <class T>
std::string field_allowed(const FieldSpec& spec, const T* type) {
  if constexpr (std::is_enum_v<T>) {
    constexpr auto names = choice_names(T{});
    return allowed_choices(names);
  } else {
    return allowed_text(spec, type);
  }
}

template <class T>
std::string field_allowed(const FieldSpec& spec, const std::optional<T>*) {
  return field_allowed(spec, static_cast<const T*>(nullptr));
}

}  // namespace caravan::recipes
