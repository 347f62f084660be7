#include "data/converters/chat_sets.h"

#include "data/converters/generic_sets.h"

namespace caravan::data {
namespace {

using Type = JsonValue::Type;

// A prompt with what it is about behind a blank line, as the alpaca layout has it.
std::string with_context(std::string prompt, const std::string& context) {
  return context.empty() ? prompt : prompt + "\n\n" + context;
}

bool is_true(const JsonValue& row, std::string_view key) {
  const std::optional<JsonValue> value = row.find(key);
  return value && value->is(Type::kTrue);
}

}  // namespace

bool fits_no_robots(const JsonValue& row) {
  return has_array(row, "messages") && has_key(row, "prompt_id") && has_key(row, "category");
}
bool fits_numinamath(const JsonValue& row) {
  return has_array(row, "messages") && has_text(row, "problem") && has_text(row, "solution");
}
bool fits_persona(const JsonValue& row) {
  const std::optional<JsonValue> id = row.find("id");
  return has_array(row, "messages") && has_text(row, "prompt") && id && id->text().starts_with("personahub_");
}
bool fits_tablegpt(const JsonValue& row) {
  return has_text(row, "prompt") && has_text(row, "completion") && has_key(row, "task") &&
         has_key(row, "is_test");
}
bool fits_flan(const JsonValue& row) {
  return has_text(row, "inputs") && has_text(row, "targets") && has_key(row, "_task_source");
}
bool fits_aya(const JsonValue& row) {
  return has_text(row, "inputs") && has_text(row, "targets") && has_key(row, "language_code");
}
bool fits_coconot(const JsonValue& row) {
  return has_text(row, "prompt") && has_text(row, "response") && has_key(row, "category") &&
         has_key(row, "subcategory") && !has_key(row, "prompt_harm_label");
}
bool fits_wildguardmix(const JsonValue& row) {
  return has_text(row, "prompt") && has_key(row, "response") && has_key(row, "prompt_harm_label");
}

bool fits_wildchat(const JsonValue& row) {
  return has_array(row, "conversation") && has_text(row, "model") && has_key(row, "toxic");
}

void convert_wildchat(const JsonValue& row, Conversion& out) {
  if (!out.options.subset.empty() &&
      !text_of(row, "model", "model", out.notes).starts_with(out.options.subset))
    throw DropRow{"other_subset"};
  if (out.options.source_filter) {
    if (is_true(row, "toxic")) throw DropRow{"source_toxic"};
    if (is_true(row, "redacted")) throw DropRow{"source_redacted"};
    const std::optional<JsonValue> language = row.find("language");
    if (!language || !language->equals("English")) throw DropRow{"source_language"};
  }
  convert_conversation(row, out);
}

bool fits_lima(const JsonValue& row) {
  const std::optional<JsonValue> turns = row.find("conversations");
  if (!turns || !turns->is(Type::kArray)) return false;
  for (const JsonValue turn : *turns) return turn.is(Type::kString);
  return false;
}

void convert_lima(const JsonValue& row, Conversion& out) {
  const JsonValue turns = need_array(row, "conversations");
  const std::uint32_t even = turns.num_children() / 2 * 2;
  if (even != turns.num_children()) out.notes.reasons.emplace_back("repaired:odd_turns");
  if (even == 0) throw DropRow{"no_assistant"};
  ConvertedRow& made = out.add();
  for (const JsonValue value : turns) {
    if (made.messages.size() == even) break;
    made.messages.push_back(turn(made.messages.size() % 2 == 0 ? "user" : "assistant",
                                 need_text(value, "conversations", out.notes)));
  }
}

bool fits_daring_anteater(const JsonValue& row) {
  if (!fits_sharegpt(row)) return false;
  for (const JsonValue turn : need_array(row, "conversations")) {
    const std::optional<JsonValue> from = turn.find("from");
    if (from && (from->equals("User") || from->equals("Assistant"))) return true;
  }
  return false;
}

void convert_daring_anteater(const JsonValue& row, Conversion& out) {
  ConvertedRow& made = out.add();
  std::string system = optional_text(row, "system", out.notes);
  if (!system.empty()) made.messages.push_back(turn("system", std::move(system)));
  for (const JsonValue value : need_array(row, "conversations")) {
    if (!value.is(Type::kObject)) throw DropRow{"wrong_type:message"};
    const JsonValue from = need(value, "from");
    if (!from.is(Type::kString)) throw DropRow{"wrong_type:from"};
    const bool user = from.equals("User");
    if (!user && !from.equals("Assistant")) throw DropRow{"unknown_role:" + shorten(from.text())};
    made.messages.push_back(turn(user ? "user" : "assistant", text_of(value, "value", "content", out.notes)));
  }
  check_roles(made.messages, out.notes);
}

bool fits_sciriff(const JsonValue& row) {
  if (has_text(row, "input") && has_text(row, "output") && has_key(row, "_instance_id")) return true;
  const std::optional<JsonValue> dataset = row.find("dataset");
  return has_array(row, "messages") && dataset && dataset->text().starts_with("science");
}

void convert_sciriff(const JsonValue& row, Conversion& out) {
  const std::optional<JsonValue> dataset = row.find("dataset");
  if (dataset && !dataset->text().starts_with("science")) throw DropRow{"other_subset"};
  if (has_key(row, "messages")) return convert_messages(row, out);
  const JsonValue input = need(row, "input"), output = need(row, "output");
  std::string prompt = need_text(input, "prompt", out.notes);
  out.add().messages = exchange(std::move(prompt), need_text(output, "response", out.notes));
}

bool fits_openmathinstruct(const JsonValue& row) {
  return has_text(row, "problem") && has_text(row, "generated_solution");
}

void convert_openmathinstruct(const JsonValue& row, Conversion& out) {
  const JsonValue problem = need(row, "problem"), solution = need(row, "generated_solution");
  const std::optional<JsonValue> source = row.find("problem_source");
  const std::string subset = source && source->text().find("gsm8k") != std::string::npos ? "gsm8k" : "math";
  if (!out.options.subset.empty() && subset != out.options.subset) throw DropRow{"other_subset"};
  std::string prompt = need_text(problem, "prompt", out.notes);
  ConvertedRow& made = out.add();
  made.messages = exchange(std::move(prompt), need_text(solution, "response", out.notes));
  made.more["subset"] = subset;
}

bool fits_openorca(const JsonValue& row) {
  return has_key(row, "system_prompt") && has_text(row, "question") && has_text(row, "response");
}

void convert_openorca(const JsonValue& row, Conversion& out) {
  ConvertedRow& made = out.add();
  std::string system = optional_text(row, "system_prompt", out.notes);
  if (!system.empty()) made.messages.push_back(turn("system", std::move(system)));
  made.messages.push_back(turn("user", text_of(row, "question", "prompt", out.notes)));
  made.messages.push_back(turn("assistant", text_of(row, "response", "response", out.notes)));
}

bool fits_dolly(const JsonValue& row) {
  return has_text(row, "instruction") && has_text(row, "context") && has_text(row, "response");
}

void convert_dolly(const JsonValue& row, Conversion& out) {
  std::string prompt = with_context(text_of(row, "instruction", "prompt", out.notes),
                                    optional_text(row, "context", out.notes));
  out.add().messages = exchange(std::move(prompt), text_of(row, "response", "response", out.notes));
}

bool fits_self_instruct(const JsonValue& row) {
  return has_text(row, "instruction") && has_array(row, "instances");
}

// A task with several instances is several examples.
void convert_self_instruct(const JsonValue& row, Conversion& out) {
  const std::string instruction = text_of(row, "instruction", "prompt", out.notes);
  for (const JsonValue instance : need_array(row, "instances")) {
    if (!instance.is(Type::kObject)) throw DropRow{"wrong_type:instances"};
    std::string prompt = with_context(instruction, optional_text(instance, "input", out.notes));
    out.add().messages = exchange(std::move(prompt), text_of(instance, "output", "response", out.notes));
  }
  if (out.rows.empty()) throw DropRow{"no_assistant"};
}

bool fits_wildjailbreak(const JsonValue& row) {
  return has_key(row, "vanilla") && has_key(row, "adversarial") && has_text(row, "completion");
}

// data_type names the prompt that was answered; the plain request is there for both kinds.
void convert_wildjailbreak(const JsonValue& row, Conversion& out) {
  const bool adversarial = text_of(row, "data_type", "data_type", out.notes).starts_with("adversarial");
  std::string prompt = text_of(row, adversarial ? "adversarial" : "vanilla", "prompt", out.notes);
  out.add().messages = exchange(std::move(prompt), text_of(row, "completion", "response", out.notes));
}

}  // namespace caravan::data
