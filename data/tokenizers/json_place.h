// A value in a JSON file that knows its place, so that every complaint says which key of which file.
//
// Over simdjson: UTF-8 is proved, nesting is bounded, order and repeated keys are seen. Valid while the
// parser that made it lives.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/error.h"

namespace caravan::data {

class JsonPlace {
 public:
  JsonPlace(simdjson::dom::element value, std::string where) : value_(value), where_(std::move(where)) {}

  const std::string& where() const { return where_; }
  bool is_null() const { return value_.is_null(); }
  bool is_object() const { return value_.is_object(); }
  bool is_array() const { return value_.is_array(); }
  bool is_string() const { return value_.is_string(); }

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(Error::Kind::kData, where_ + ": " + what);
  }

  std::string_view text() const {
    std::string_view text;
    if (value_.get(text)) refuse("expected a string, found " + kind());
    return text;
  }
  std::int64_t integer() const {
    std::int64_t number = 0;
    if (value_.get(number)) refuse("expected an integer, found " + kind());
    return number;
  }
  bool boolean() const {
    bool value = false;
    if (value_.get(value)) refuse("expected true or false, found " + kind());
    return value;
  }
  simdjson::dom::object object() const {
    simdjson::dom::object object;
    if (value_.get(object)) refuse("expected an object, found " + kind());
    return object;
  }
  simdjson::dom::array array() const {
    simdjson::dom::array array;
    if (value_.get(array)) refuse("expected a list, found " + kind());
    return array;
  }

  // The elements of a list, with their places.
  std::vector<JsonPlace> elements() const {
    std::vector<JsonPlace> places;
    for (const simdjson::dom::element element : array()) {
      places.emplace_back(element, where_ + "[" + std::to_string(places.size()) + "]");
    }
    return places;
  }

  // A member of an object: nothing where it is missing or null; an error where at() finds none.
  std::optional<JsonPlace> find(std::string_view key) const {
    simdjson::dom::element member;
    if (object().at_key(key).get(member) || member.is_null()) return std::nullopt;
    return JsonPlace(member, where_ + "." + std::string(key));
  }
  JsonPlace at(std::string_view key) const {
    auto member = find(key);
    if (!member) refuse("the key \"" + std::string(key) + "\" is missing");
    return *std::move(member);
  }
  bool boolean_or(std::string_view key, bool fallback) const {
    const auto member = find(key);
    return member ? member->boolean() : fallback;
  }

  std::string kind() const {
    switch (value_.type()) {
      case simdjson::dom::element_type::ARRAY:
        return "a list";
      case simdjson::dom::element_type::OBJECT:
        return "an object";
      case simdjson::dom::element_type::STRING:
        return "a string";
      case simdjson::dom::element_type::BOOL:
        return "true or false";
      case simdjson::dom::element_type::NULL_VALUE:
        return "null";
      default:
        return "a number";
    }
  }

 private:
  simdjson::dom::element value_;
  std::string where_;
};

// Reads a whole file of at most 1 GiB. Throws Error (kInputOutput).
std::string read_tokenizer_file(const std::string& path);

// Parses JSON text; `path` for messages. Throws Error (kData).
JsonPlace parse_json(simdjson::dom::parser& parser, const std::string& text, const std::string& path);

}  // namespace caravan::data
