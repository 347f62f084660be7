// One JSON text, checked strictly and laid out flat, so that the few fields a row needs are read without
// building a tree.
//
// Goals: RFC 8259 to the letter, on any bytes: bounded depth, no recursion on the input's say-so, time linear
// in the input (objects of many keys: n log n). Duplicate keys and lone surrogates are told apart from broken
// JSON. Non-goals: numbers as numbers (their text is kept; one outside the range of a double is only refused
// where somebody keeps it), error positions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/message.h"

namespace caravan::data {

class JsonRow;

// A value inside a JsonRow: a handle, valid until the next parse.
class JsonValue {
 public:
  enum class Type : std::uint8_t { kNull, kFalse, kTrue, kNumber, kString, kArray, kObject };

  JsonValue(const JsonRow& row, std::uint32_t index) : row_(&row), index_(index) {}
  Type type() const;
  bool is(Type wanted) const { return type() == wanted; }
  // Python's truth: null, false, 0, "", [] and {} are false.
  bool truthy() const;
  // Value of a key of an object; nothing where absent or where this is no object.
  std::optional<JsonValue> find(std::string_view key) const;
  // Text of a string with escapes resolved, or the digits of a number as written. True where an escape made a
  // control character other than tab, line feed and carriage return.
  bool append_text(std::string& out) const;
  std::string text() const;
  bool equals(std::string_view text) const;
  bool is_key(std::string_view name) const;
  std::string key() const;
  // The whole value as a document of its own. Empty where a number lies outside what double and 64-bit
  // integers hold.
  std::optional<Json> to_json() const;

  class Iterator {
   public:
    Iterator(const JsonRow& row, std::uint32_t index) : row_(&row), index_(index) {}
    JsonValue operator*() const { return {*row_, index_}; }
    Iterator& operator++();
    bool operator!=(const Iterator& other) const { return index_ != other.index_; }

   private:
    const JsonRow* row_;
    std::uint32_t index_;
  };
  // Elements of an array, or values of an object in file order.
  Iterator begin() const;
  Iterator end() const;
  std::uint32_t num_children() const;

 private:
  const JsonRow* row_;
  std::uint32_t index_;
};

// Parses one text at a time, reusing its memory. One per thread.
class JsonRow {
 public:
  enum class Status { kOk, kInvalidUtf8, kInvalidJson, kTooDeep, kLoneSurrogate, kDuplicateKey };
  static constexpr std::uint32_t kMaxDepth = 256;

  // `text` must stay alive as long as values are read, and be shorter than 4 GiB.
  Status parse(std::string_view text);
  JsonValue root() const { return {*this, 0}; }

 private:
  friend class JsonValue;
  struct Node {
    std::uint32_t begin;   // strings: after the quote; numbers: first digit
    std::uint32_t length;  // bytes of a string or number; children of an array or object
    std::uint32_t next;    // index after this node and all below it
    std::uint32_t key_begin;
    std::uint32_t key_length;
    JsonValue::Type type;
    bool escaped;
    bool key_escaped;
  };

  bool parse_value(std::uint32_t depth);
  bool parse_object(std::uint32_t depth);
  bool parse_array(std::uint32_t depth);
  bool parse_string(std::uint32_t& begin, std::uint32_t& length, bool& escaped);
  bool parse_escape();
  bool parse_number();
  bool parse_word(std::string_view word, JsonValue::Type type);
  std::uint32_t add_node(JsonValue::Type type);
  void skip_space();
  bool fail(Status status);
  void check_keys(std::uint32_t object);
  std::string decoded_key(const Node& node) const;

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Node> nodes_;
  std::vector<std::string_view> keys_;
  std::vector<std::string> decoded_keys_;
  Status status_ = Status::kOk;
  bool lone_surrogate_ = false;
  bool duplicate_key_ = false;
};

// Inline: asked several times per key of every row.
inline JsonValue::Type JsonValue::type() const {
  return row_->nodes_[index_].type;
}

inline std::optional<JsonValue> JsonValue::find(std::string_view key) const {
  if (!is(Type::kObject)) return std::nullopt;
  for (const JsonValue child : *this) {
    if (child.is_key(key)) return child;
  }
  return std::nullopt;
}

inline bool JsonValue::is_key(std::string_view name) const {
  const JsonRow::Node& node = row_->nodes_[index_];
  if (!node.key_escaped) return row_->text_.substr(node.key_begin, node.key_length) == name;
  return key() == name;
}

inline std::uint32_t JsonValue::num_children() const {
  return is(Type::kArray) || is(Type::kObject) ? row_->nodes_[index_].length : 0;
}

inline JsonValue::Iterator& JsonValue::Iterator::operator++() {
  index_ = row_->nodes_[index_].next;
  return *this;
}

inline JsonValue::Iterator JsonValue::begin() const {
  return {*row_, num_children() > 0 ? index_ + 1 : row_->nodes_[index_].next};
}

inline JsonValue::Iterator JsonValue::end() const {
  return {*row_, row_->nodes_[index_].next};
}

inline bool JsonValue::equals(std::string_view text_wanted) const {
  const JsonRow::Node& node = row_->nodes_[index_];
  if (node.type != Type::kString) return false;
  if (!node.escaped) return row_->text_.substr(node.begin, node.length) == text_wanted;
  return text() == text_wanted;
}

// Offset of the first quote, backslash or control character at or after `at`; text.size() where there is
// none.
std::size_t find_string_event(std::string_view text, std::size_t at);

// Appends the text of the JSON string body `raw` (checked, without quotes) to `out`. Returns as
// JsonValue::append_text.
bool unescape_json(std::string_view raw, std::string& out);

}  // namespace caravan::data
