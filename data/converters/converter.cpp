#include "data/converters/converter.h"

#include <charconv>

#include "data/readers/pair_layouts.h"

namespace caravan::data {

using Type = JsonValue::Type;

bool has_key(const JsonValue& row, std::string_view key) {
  return row.find(key).has_value();
}

bool has_text(const JsonValue& row, std::string_view key) {
  const std::optional<JsonValue> value = row.find(key);
  return value && value->is(Type::kString);
}

bool has_array(const JsonValue& row, std::string_view key) {
  const std::optional<JsonValue> value = row.find(key);
  return value && value->is(Type::kArray);
}

std::string text_of(const JsonValue& row, std::string_view key, std::string_view name, RowNotes& notes) {
  return need_text(need(row, key), name, notes);
}

Message turn(std::string role, std::string content) {
  return {std::move(role), std::move(content), nullptr};
}

std::vector<Message> exchange(std::string prompt, std::string answer) {
  std::vector<Message> turns;
  turns.reserve(2);
  turns.push_back(turn("user", std::move(prompt)));
  turns.push_back(turn("assistant", std::move(answer)));
  return turns;
}

JsonValue need_array(const JsonValue& row, std::string_view key) {
  const JsonValue value = need(row, key);
  if (!value.is(Type::kArray)) throw DropRow{"wrong_type:" + std::string(key)};
  return value;
}

double need_number(const JsonValue& row, std::string_view key) {
  const JsonValue value = need(row, key);
  if (!value.is(Type::kNumber)) throw DropRow{"wrong_type:" + std::string(key)};
  const std::string digits = value.text();
  double number = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), number).ec != std::errc())
    throw DropRow{"number_out_of_range"};
  return number;
}

std::string_view stripped(std::string_view utf8) {
  while (const std::size_t length = space_length(utf8)) utf8.remove_prefix(length);
  // Backwards over the bytes that may belong to the last character.
  for (;;) {
    std::size_t start = utf8.empty() ? 0 : utf8.size() - 1;
    while (start > 0 && (static_cast<unsigned char>(utf8[start]) & 0xC0) == 0x80) --start;
    if (utf8.empty() || space_length(utf8.substr(start)) != utf8.size() - start) return utf8;
    utf8 = utf8.substr(0, start);
  }
}

void check_pair(const ConvertedRow& pair, RowNotes& notes) {
  if (equal_turns(pair.chosen, pair.rejected)) throw DropRow{"chosen_equals_rejected"};
  if (!equal_prompts(pair.chosen, pair.rejected)) notes.reasons.emplace_back("warning:prompts_differ");
}

}  // namespace caravan::data
