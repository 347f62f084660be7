#include "data/converters/preference_sets.h"

#include <algorithm>

#include "data/converters/generic_sets.h"
#include "data/readers/pair_layouts.h"

namespace caravan::data {
namespace {

using Type = JsonValue::Type;

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
  return fits_pair(row);
}

void convert_preference_pairs(const JsonValue& row, Conversion& out) {
  ConvertedRow& made = out.add();
  read_pair_row(row, made.chosen, made.rejected, out.notes);
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
  return fits_label(row) && (fits_messages(row) || fits_prompt_completion(row));
}

void convert_kto(const JsonValue& row, Conversion& out) {
  const bool label = read_label(row, out.notes);
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
