#include "data/converters/generic_sets.h"

#include "data/json_members.h"

namespace caravan::data {
namespace {

using Type = JsonValue::Type;

// The layouts of training, as they are read there.
template <void (*Read)(const JsonValue&, Conversation&, RowNotes&)>
void convert_as_read(const JsonValue& row, Conversion& out) {
  Conversation conversation;
  Read(row, conversation, out.notes);
  read_variables(row, conversation);
  ConvertedRow& made = out.add();
  made.messages = std::move(conversation.messages);
  made.tools = std::move(conversation.tools);
  const Json& variables = conversation.variables;
  if (variables.is_null()) return;
  Json others = Json::object();
  for (const auto& [name, value] : variables.items()) {
    if (name == "documents")
      made.more[name] = value;
    else
      append_new_member(others, name, value);
  }
  if (!others.empty()) made.more["chat_template_kwargs"] = std::move(others);
}

}  // namespace

bool fits_messages(const JsonValue& row) {
  return has_array(row, "messages");
}
void convert_messages(const JsonValue& row, Conversion& out) {
  convert_as_read<read_messages_row>(row, out);
}

// Lists of plain texts are another layout (lima).
bool fits_sharegpt(const JsonValue& row) {
  const std::optional<JsonValue> turns = row.find("conversations");
  if (!turns || !turns->is(Type::kArray)) return false;
  for (const JsonValue turn : *turns) return turn.is(Type::kObject);
  return true;
}
void convert_sharegpt(const JsonValue& row, Conversion& out) {
  convert_as_read<read_sharegpt_row>(row, out);
}

bool fits_alpaca(const JsonValue& row) {
  return has_text(row, "instruction") && has_text(row, "output");
}
void convert_alpaca(const JsonValue& row, Conversion& out) {
  convert_as_read<read_alpaca_row>(row, out);
}

bool fits_prompt_completion(const JsonValue& row) {
  const auto side = [&row](std::string_view key) { return has_text(row, key) || has_array(row, key); };
  return side("prompt") && (side("completion") || side("response"));
}
void convert_prompt_completion(const JsonValue& row, Conversion& out) {
  convert_as_read<read_prompt_completion_row>(row, out);
}

bool fits_conversation(const JsonValue& row) {
  return has_array(row, "conversation");
}
void convert_conversation(const JsonValue& row, Conversion& out) {
  ConvertedRow& made = out.add();
  for (const JsonValue turn : need_array(row, "conversation")) append_message(turn, made.messages, out.notes);
  check_roles(made.messages, out.notes);
}

void convert_columns(const JsonValue& row, Conversion& out) {
  ConvertedRow& made = out.add();
  std::string prompt, response;
  for (const auto& [use, column] : out.options.columns) {
    if (use == "system") {
      std::string system = optional_text(row, column, out.notes);
      if (!system.empty()) made.messages.push_back(turn("system", std::move(system)));
    } else if (use == "input") {
      const std::string input = optional_text(row, column, out.notes);
      if (!input.empty()) prompt += (prompt.empty() ? "" : "\n\n") + input;
    } else if (use == "prompt") {
      prompt += (prompt.empty() ? "" : "\n\n") + text_of(row, column, column, out.notes);
    } else if (use == "response") {
      response = text_of(row, column, column, out.notes);
    } else if (use == "id") {
      const JsonValue id = need(row, column);
      if (!id.is(Type::kString) && !id.is(Type::kNumber)) throw DropRow{"wrong_type:" + column};
      made.id = id.text();
    } else {
      made.more["ground_truth"] = Json::array({text_of(row, column, column, out.notes)});
      made.more["dataset"] = Json::array({out.options.dataset});
    }
  }
  made.messages.push_back(turn("user", std::move(prompt)));
  if (!response.empty()) made.messages.push_back(turn("assistant", std::move(response)));
}

}  // namespace caravan::data
