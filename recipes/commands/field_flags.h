// The flags of a command from the field list of an options struct: one list of names for flags and recipe
// keys (max_tokens is --max-tokens), read by the rules that recipes are read by.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>

#include "recipes/command_flags.h"
#include "recipes/fields.h"
#include "recipes/reader/field_values.h"

namespace caravan::recipes {

inline std::string flag_name(std::string_view key) {
  std::string name = "--" + std::string(key);
  for (char& c : name) c = c == '_' ? '-' : c;
  return name;
}

// Declares a flag for each field. A yes or no that is off by default is a switch.
class FieldFlags {
 public:
  explicit FieldFlags(CommandFlags& flags) : flags_(flags) {}

  template <class T>
  void field(std::string_view key, T& member, const FieldSpec& spec) {
    flags_.add_parsed(flag_name(key), !is_switch(member), [&member, spec](const std::string& text) {
      if constexpr (std::is_same_v<T, bool>) {
        if (text.empty()) {
          member = true;
          return std::string();
        }
      }
      return parse_value({.kind = YamlNode::Kind::kScalar, .text = text}, spec, member);
    });
  }

  template <class T>
  static bool is_switch(const T& member) {
    if constexpr (std::is_same_v<T, bool>) return !member;
    return false;
  }

 private:
  CommandFlags& flags_;
};

// The lines of a usage text that explain these flags.
class FieldHelp {
 public:
  template <class T>
  void field(std::string_view key, T& member, const FieldSpec& spec) {
    std::string head = flag_name(key);
    const std::string value = field_text(member, spec);
    const bool is_switch = FieldFlags::is_switch(member);
    if (!is_switch) head += ' ' + value_word(spec, member);
    add_line(head, spec.help, is_switch ? std::string() : value);
  }
  const std::string& text() const { return text_; }

 private:
  template <class T>
  static std::string value_word(const FieldSpec& spec, const T& member) {
    if constexpr (std::is_enum_v<T> || std::is_same_v<T, bool>) return field_allowed(spec, &member);
    if constexpr (std::is_same_v<T, std::string>) return spec.path ? "FILE" : "TEXT";
    return "N";
  }
  void add_line(const std::string& head, std::string_view help, const std::string& value);
  std::string text_;
};

}  // namespace caravan::recipes
