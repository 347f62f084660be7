// Reading values out of a parsed JsonRow.
#include <charconv>
#include <cmath>

#include "data/json_members.h"
#include "data/readers/json_row.h"

namespace caravan::data {
namespace {

// Integers stay integers where 64 bits hold them; everything else is a double, and what overflows it is
// refused.
std::optional<Json> number_to_json(std::string_view text) {
  if (text.find_first_of(".eE") == std::string_view::npos) {
    std::int64_t small = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), small).ec == std::errc()) return Json(small);
    std::uint64_t large = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), large).ec == std::errc()) return Json(large);
    return std::nullopt;
  }
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || !std::isfinite(value)) return std::nullopt;
  return Json(value);
}

}  // namespace

bool JsonValue::truthy() const {
  const JsonRow::Node& node = row_->nodes_[index_];
  switch (node.type) {
    case Type::kNull:
    case Type::kFalse:
      return false;
    case Type::kTrue:
      return true;
    case Type::kNumber: {
      const std::string_view digits = row_->text_.substr(node.begin, node.length);
      return digits.substr(0, digits.find_first_of("eE")).find_first_of("123456789") !=
             std::string_view::npos;
    }
    default:
      return node.length > 0;
  }
}

bool JsonValue::append_text(std::string& out) const {
  const JsonRow::Node& node = row_->nodes_[index_];
  const std::string_view raw = row_->text_.substr(node.begin, node.length);
  if (node.type == Type::kString && node.escaped) return unescape_json(raw, out);
  out.append(raw);
  return false;
}

std::string JsonValue::text() const {
  std::string out;
  append_text(out);
  return out;
}

std::string JsonValue::key() const {
  return row_->decoded_key(row_->nodes_[index_]);
}

std::optional<Json> JsonValue::to_json() const {
  switch (type()) {
    case Type::kNull:
      return Json(nullptr);
    case Type::kFalse:
      return Json(false);
    case Type::kTrue:
      return Json(true);
    case Type::kString:
      return Json(text());
    case Type::kNumber:
      return number_to_json(text());
    case Type::kArray: {
      Json array = Json::array();
      for (const JsonValue child : *this) {
        std::optional<Json> value = child.to_json();
        if (!value) return std::nullopt;
        array.push_back(std::move(*value));
      }
      return array;
    }
    case Type::kObject: {
      Json object = Json::object();
      for (const JsonValue child : *this) {
        std::optional<Json> value = child.to_json();
        if (!value) return std::nullopt;
        append_new_member(object, child.key(), std::move(*value));  // keys are known to differ
      }
      return object;
    }
  }
  return std::nullopt;
}

}  // namespace caravan::data
