#include "data/converters/preference_sets.h"

#include <algorithm>

#include "data/converters/generic_sets.h"

namespace caravan::data {
namespace {

using Type = JsonValue::Type;

std::vector<Message> read_turns(const JsonValue& list) {
  std::vector<Message> turns;
  RowNotes ignored;
  for (const JsonValue value : list) append_message(value, turns, ignored);
  return turns;
}

// Lists of messages; the prompt may stand apart.
void read_lists(const JsonValue& row, const JsonValue& chosen, const JsonValue& rejected, ConvertedRow& made,
                RowNotes& notes) {
  if (!chosen.is(Type::kArray)) throw DropRow{"wrong_type:chosen"};
  if (!rejected.is(Type::kArray)) throw DropRow{"wrong_type:rejected"};
  const std::optional<JsonValue> prompt = row.find("prompt");
  for (const auto& [side, turns] : {std::pair{&chosen, &made.chosen}, {&rejected, &made.rejected}}) {
    if (prompt && prompt->is(Type::kArray)) *turns = read_turns(*prompt);
    for (const JsonValue value : *side) append_message(value, *turns, notes);
    check_roles(*turns, notes);
  }
}

void read_texts(const JsonValue& row, const JsonValue& chosen, const JsonValue& rejected, ConvertedRow& made,
                RowNotes& notes) {
  const std::string prompt = text_of(row, "prompt", "prompt", notes);
  made.chosen = exchange(prompt, need_text(chosen, "chosen", notes));
  made.rejected = exchange(prompt, need_text(rejected, "rejected", notes));
}

// ShareGPT turns, then one turn for each side.
void read_sharegpt_sides(const JsonValue& row, const JsonValue& chosen, const JsonValue& rejected,
                         ConvertedRow& made, RowNotes& notes) {
  std::vector<Message> prompt;
  std::string system = optional_text(row, "system", notes);
  if (!system.empty()) prompt.push_back(turn("system", std::move(system)));
  for (const JsonValue value : need_array(row, "conversations")) append_sharegpt_turn(value, prompt, notes);
  const auto answer = [&notes](const JsonValue& side, std::string_view name) {
    if (!side.is(Type::kObject)) throw DropRow{"wrong_type:" + std::string(name)};
    return turn("assistant", text_of(side, "value", name, notes));
  };
  made.chosen = prompt;
  made.chosen.push_back(answer(chosen, "chosen"));
  made.rejected = std::move(prompt);
  made.rejected.push_back(answer(rejected, "rejected"));
}

constexpr std::string_view kHuman = "\n\nHuman:", kAssistant = "\n\nAssistant:";

// Where the next mark of a speaker begins; npos where none does.
std::size_t next_mark(std::string_view text, std::size_t from) {
  return std::min(text.find(kHuman, from), text.find(kAssistant, from));
}

std::vector<Message> read_transcript(const JsonValue& side, std::string_view name, RowNotes& notes) {
  const std::string text = need_text(side, name, notes);
  std::vector<Message> turns;
  std::size_t at = next_mark(text, 0);
  if (!is_blank(std::string_view(text).substr(0, std::min(at, text.size())))) throw DropRow{"bad_transcript"};
  while (at != std::string::npos) {
    const bool human = text.compare(at, kHuman.size(), kHuman) == 0;
    const std::size_t begin = at + (human ? kHuman : kAssistant).size();
    at = next_mark(text, begin);
    const std::string_view body =
        stripped(std::string_view(text).substr(begin, std::min(at, text.size()) - begin));
    if (body.empty()) throw DropRow{"empty_content"};
    if (human != (turns.size() % 2 == 0)) throw DropRow{"not_alternating"};
    turns.push_back(turn(human ? "user" : "assistant", std::string(body)));
  }
  if (turns.empty() || turns.back().role != "assistant") throw DropRow{"no_final_assistant"};
  return turns;
}

}  // namespace

bool fits_preference_pairs(const JsonValue& row) {
  return (has_key(row, "chosen") && has_key(row, "rejected")) ||
         (has_array(row, "chosen_messages") && has_array(row, "rejected_messages"));
}

void convert_preference_pairs(const JsonValue& row, Conversion& out) {
  const bool named = has_key(row, "chosen_messages") && !has_key(row, "chosen");
  const JsonValue chosen = need(row, named ? "chosen_messages" : "chosen");
  const JsonValue rejected = need(row, named ? "rejected_messages" : "rejected");
  ConvertedRow& made = out.add();
  if (has_key(row, "conversations")) {
    read_sharegpt_sides(row, chosen, rejected, made, out.notes);
  } else if (chosen.is(Type::kString)) {
    read_texts(row, chosen, rejected, made, out.notes);
  } else {
    read_lists(row, chosen, rejected, made, out.notes);
  }
  check_pair(made, out.notes);
}

bool fits_hh(const JsonValue& row) {
  const std::optional<JsonValue> chosen = row.find("chosen");
  return chosen && chosen->is(Type::kString) && has_text(row, "rejected") && !has_key(row, "prompt") &&
         chosen->text().starts_with(kHuman);
}

void convert_hh(const JsonValue& row, Conversion& out) {
  const JsonValue chosen = need(row, "chosen"), rejected = need(row, "rejected");
  ConvertedRow& made = out.add();
  made.chosen = read_transcript(chosen, "chosen", out.notes);
  made.rejected = read_transcript(rejected, "rejected", out.notes);
  check_pair(made, out.notes);
}

bool fits_kto(const JsonValue& row) {
  const std::optional<JsonValue> label = row.find("label");
  if (!label || !(fits_messages(row) || fits_prompt_completion(row))) return false;
  return label->is(Type::kTrue) || label->is(Type::kFalse);
}

void convert_kto(const JsonValue& row, Conversion& out) {
  const JsonValue value = need(row, "label");
  bool label = value.is(Type::kTrue);
  if (value.is(Type::kString)) {
    std::string word = value.text();
    for (char& c : word) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (word != "true" && word != "false") throw DropRow{"wrong_type:label"};
    out.notes.reasons.emplace_back("repaired:label_from_text");
    label = word == "true";
  } else if (!label && !value.is(Type::kFalse)) {
    throw DropRow{"wrong_type:label"};
  }
  if (has_key(row, "messages")) {
    convert_messages(row, out);
  } else {
    convert_prompt_completion(row, out);
  }
  out.rows.back().more["label"] = label;
}

bool fits_llmbar(const JsonValue& row) {
  return has_text(row, "input") && has_text(row, "output_1") && has_text(row, "output_2") &&
         has_key(row, "label");
}

void convert_llmbar(const JsonValue& row, Conversion& out) {
  const std::string prompt = text_of(row, "input", "prompt", out.notes);
  const std::string label = need(row, "label").text();
  if (label != "1" && label != "2") throw DropRow{"wrong_value:label"};
  ConvertedRow& made = out.add();
  made.chosen = exchange(prompt, text_of(row, label == "1" ? "output_1" : "output_2", "chosen", out.notes));
  made.rejected =
      exchange(prompt, text_of(row, label == "1" ? "output_2" : "output_1", "rejected", out.notes));
  check_pair(made, out.notes);
}

}  // namespace caravan::data
