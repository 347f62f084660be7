#include "data/readers/pair_layouts.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace caravan::data {
namespace {

using Type = JsonValue::Type;

// Of scores and of ratings; what lies beyond is no difference of two of them.
constexpr double kLargestMargin = 1e6;

bool has(const JsonValue& row, std::string_view key) {
  return row.find(key).has_value();
}
bool has_list(const JsonValue& row, std::string_view key) {
  const std::optional<JsonValue> value = row.find(key);
  return value && value->is(Type::kArray);
}

bool same_turn(const Message& x, const Message& y) {
  return x.role == y.role && x.content == y.content && x.extra == y.extra;
}

std::optional<double> number_of(const JsonValue& row, std::string_view key) {
  const std::optional<JsonValue> value = row.find(key);
  if (!value || !value->is(Type::kNumber)) return std::nullopt;
  const std::optional<Json> number = value->to_json();
  return number ? std::optional(number->get<double>()) : std::nullopt;
}

// Lists of messages; the prompt may stand apart.
void read_lists(const JsonValue& row, const JsonValue& chosen, const JsonValue& rejected,
                std::vector<Message>& chosen_turns, std::vector<Message>& rejected_turns, RowNotes& notes) {
  if (!chosen.is(Type::kArray)) throw DropRow{"wrong_type:chosen"};
  if (!rejected.is(Type::kArray)) throw DropRow{"wrong_type:rejected"};
  const std::optional<JsonValue> prompt = row.find("prompt");
  for (const auto& [side, turns] : {std::pair{&chosen, &chosen_turns}, {&rejected, &rejected_turns}}) {
    RowNotes ignored;  // what the prompt says of itself it says twice
    if (prompt && prompt->is(Type::kArray))
      for (const JsonValue value : *prompt) append_message(value, *turns, ignored);
    for (const JsonValue value : *side) append_message(value, *turns, notes);
    check_roles(*turns, notes);
  }
}

void read_texts(const JsonValue& row, const JsonValue& chosen, const JsonValue& rejected,
                std::vector<Message>& chosen_turns, std::vector<Message>& rejected_turns, RowNotes& notes) {
  const std::string prompt = need_text(need(row, "prompt"), "prompt", notes);
  chosen_turns = {{"user", prompt, nullptr}, {"assistant", need_text(chosen, "chosen", notes), nullptr}};
  rejected_turns = {{"user", prompt, nullptr},
                    {"assistant", need_text(rejected, "rejected", notes), nullptr}};
}

// ShareGPT turns, then one turn for each side.
void read_sharegpt_sides(const JsonValue& row, const JsonValue& chosen, const JsonValue& rejected,
                         std::vector<Message>& chosen_turns, std::vector<Message>& rejected_turns,
                         RowNotes& notes) {
  std::string system = optional_text(row, "system", notes);
  if (!system.empty()) chosen_turns.push_back({"system", std::move(system), nullptr});
  const JsonValue turns = need(row, "conversations");
  if (!turns.is(Type::kArray)) throw DropRow{"wrong_type:conversations"};
  for (const JsonValue value : turns) append_sharegpt_turn(value, chosen_turns, notes);
  rejected_turns = chosen_turns;
  const auto answer = [&notes](const JsonValue& side, std::string_view name) -> Message {
    if (!side.is(Type::kObject)) throw DropRow{"wrong_type:" + std::string(name)};
    return {"assistant", need_text(need(side, "value"), name, notes), nullptr};
  };
  chosen_turns.push_back(answer(chosen, "chosen"));
  rejected_turns.push_back(answer(rejected, "rejected"));
}

}  // namespace

bool fits_pair(const JsonValue& row) {
  return (has(row, "chosen") && has(row, "rejected")) ||
         (has_list(row, "chosen_messages") && has_list(row, "rejected_messages"));
}

bool fits_label(const JsonValue& row) {
  const std::optional<JsonValue> label = row.find("label");
  return label && (label->is(Type::kTrue) || label->is(Type::kFalse));
}

void read_pair_row(const JsonValue& row, std::vector<Message>& chosen, std::vector<Message>& rejected,
                   RowNotes& notes) {
  const bool named = has(row, "chosen_messages") && !has(row, "chosen");
  const JsonValue chosen_side = need(row, named ? "chosen_messages" : "chosen");
  const JsonValue rejected_side = need(row, named ? "rejected_messages" : "rejected");
  chosen.clear();
  rejected.clear();
  if (has(row, "conversations"))
    read_sharegpt_sides(row, chosen_side, rejected_side, chosen, rejected, notes);
  else if (chosen_side.is(Type::kString))
    read_texts(row, chosen_side, rejected_side, chosen, rejected, notes);
  else
    read_lists(row, chosen_side, rejected_side, chosen, rejected, notes);
}

std::optional<float> read_margin(const JsonValue& row) {
  const std::optional<JsonValue> preference = row.find("preference");
  std::optional<double> margin = number_of(row, "margin");
  if (!margin && preference) margin = number_of(*preference, "margin");
  // Of caravan data convert, and of the field.
  constexpr std::array<std::array<std::string_view, 2>, 3> kScores{{{"chosen_score", "rejected_score"},
                                                                    {"chosen_rating", "rejected_rating"},
                                                                    {"score_chosen", "score_rejected"}}};
  for (const auto& [chosen, rejected] : kScores) {
    const std::optional<double> better = number_of(row, chosen), worse = number_of(row, rejected);
    if (!margin && better && worse) margin = *better - *worse;
  }
  if (!margin || !(std::abs(*margin) <= kLargestMargin)) return std::nullopt;
  return static_cast<float>(*margin);
}

bool read_label(const JsonValue& row, RowNotes& notes) {
  const JsonValue value = need(row, "label");
  if (!value.is(Type::kString)) {
    if (value.is(Type::kTrue) || value.is(Type::kFalse)) return value.is(Type::kTrue);
    throw DropRow{"wrong_type:label"};
  }
  std::string word = value.text();
  for (char& c : word) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (word != "true" && word != "false") throw DropRow{"wrong_type:label"};
  notes.reasons.emplace_back("repaired:label_from_text");
  return word == "true";
}

bool equal_turns(const std::vector<Message>& a, const std::vector<Message>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same_turn);
}

bool equal_prompts(const std::vector<Message>& a, const std::vector<Message>& b) {
  return a.size() == b.size() && (a.empty() || std::equal(a.begin(), a.end() - 1, b.begin(), same_turn));
}

}  // namespace caravan::data
