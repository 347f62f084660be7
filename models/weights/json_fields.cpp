#include "models/weights/json_fields.h"

#include <cmath>
#include <utility>

#include "models/error.h"
#include "models/weights/quote.h"

namespace caravan::models {

using nlohmann::json;

namespace {

std::string number_text(double value) {
  return json(value).dump();
}

std::string range_text(std::int64_t least, std::int64_t most) {
  return "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
}

// Unsigned values above 2^63 - 1 do not fit and are no integers of ours.
std::optional<std::int64_t> integer_within(const json& value, std::int64_t least, std::int64_t most) {
  if (!value.is_number_integer()) return std::nullopt;
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) return std::nullopt;
  const auto number = value.get<std::int64_t>();
  if (number < least || number > most) return std::nullopt;
  return number;
}

}  // namespace

std::string value_text(const json& value) {
  return printable(value.dump(-1, ' ', false, json::error_handler_t::replace), 80);
}

JsonFields::JsonFields(const json& object, std::string prefix)
    : object_(object), prefix_(std::move(prefix)) {}

const json* JsonFields::value(const std::string& key) {
  read_.insert(key);
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

bool JsonFields::has(const std::string& key) {
  return value(key) != nullptr;
}

std::optional<std::int64_t> JsonFields::integer(const std::string& key, std::int64_t least,
                                                std::int64_t most) {
  const json* found = value(key);
  if (found == nullptr) return std::nullopt;
  const std::optional<std::int64_t> number = integer_within(*found, least, most);
  if (!number) refuse(key, range_text(least, most));
  return number;
}

std::optional<double> JsonFields::number(const std::string& key, double least, double most) {
  const json* found = value(key);
  if (found == nullptr) return std::nullopt;
  const double number = found->is_number() ? found->get<double>() : NAN;
  if (number >= least && number <= most) return number;
  refuse(key, "a number from " + number_text(least) + " to " + number_text(most));
  return std::nullopt;
}

std::optional<bool> JsonFields::boolean(const std::string& key) {
  const json* found = value(key);
  if (found == nullptr) return std::nullopt;
  if (found->is_boolean()) return found->get<bool>();
  refuse(key, "true, false");
  return std::nullopt;
}

std::optional<std::string> JsonFields::text(const std::string& key) {
  const json* found = value(key);
  if (found == nullptr) return std::nullopt;
  if (found->is_string()) return found->get<std::string>();
  refuse(key, "a text in quotes");
  return std::nullopt;
}

std::int64_t JsonFields::required_integer(const std::string& key, std::int64_t least, std::int64_t most) {
  if (!has(key)) missing(key, range_text(least, most) + " is needed");
  return integer(key, least, most).value_or(least);
}

std::vector<std::int64_t> JsonFields::integer_or_list(const std::string& key, std::int64_t least,
                                                      std::int64_t most) {
  const json* found = value(key);
  if (found == nullptr) return {};
  const json list = found->is_array() ? *found : json::array({*found});
  std::vector<std::int64_t> numbers;
  for (const json& element : list) {
    const std::optional<std::int64_t> number = integer_within(element, least, most);
    if (!number) {
      refuse(key, range_text(least, most) + ", or a list of such");
      return {};
    }
    numbers.push_back(*number);
  }
  return numbers;
}

void JsonFields::missing(const std::string& key, const std::string& what_to_do) {
  note(prefix_ + key + " is missing; " + what_to_do);
}

void JsonFields::refuse(const std::string& key, const std::string& allowed) {
  const auto found = object_.find(key);
  note(prefix_ + key + " is " + (found == object_.end() ? "missing" : value_text(*found)) +
       "; allowed: " + allowed);
}

void JsonFields::note(const std::string& problem) {
  problems_.push_back(problem);
}

json JsonFields::unread() const {
  json rest = json::object();
  for (const auto& [key, entry] : object_.items()) {
    if (!read_.contains(key)) rest[key] = entry;
  }
  return rest;
}

void throw_problems(const std::string& where, const std::vector<std::string>& problems) {
  if (problems.empty()) return;
  std::string text = where + ": ";
  if (problems.size() == 1) {
    text += problems.front();
  } else {
    text += std::to_string(problems.size()) + " problems:";
    for (const std::string& problem : problems) text += "\n  " + problem;
  }
  throw Error(Error::Kind::kData, text);
}

}  // namespace caravan::models
