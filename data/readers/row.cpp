#include "data/readers/row.h"

#include "data/readers/row_layouts.h"

namespace caravan::data {
namespace {

const char* reason_of(JsonRow::Status status) {
  switch (status) {
    case JsonRow::Status::kInvalidUtf8:
      return "invalid_utf8";
    case JsonRow::Status::kTooDeep:
      return "too_deep";
    case JsonRow::Status::kLoneSurrogate:
      return "lone_surrogate";
    case JsonRow::Status::kDuplicateKey:
      return "duplicate_key";
    default:
      return "invalid_json";
  }
}

RowOutcome dropped(std::string reason) {
  return {RowFate::kDropped, {std::move(reason)}};
}

void read_layout(const JsonValue& row, RowFormat format, Conversation& out, RowNotes& notes) {
  switch (format) {
    case RowFormat::kAuto:
      throw std::logic_error("parse_row: format auto must be resolved by file");
    case RowFormat::kMessages:
      return read_messages_row(row, out, notes);
    case RowFormat::kSharegpt:
      return read_sharegpt_row(row, out, notes);
    case RowFormat::kAlpaca:
      return read_alpaca_row(row, out, notes);
    case RowFormat::kPromptCompletion:
      return read_prompt_completion_row(row, out, notes);
  }
}

void set_id(const JsonValue& row, const RowContext& context, Conversation& out) {
  const std::optional<JsonValue> id = row.find("id");
  if (id && (id->is(JsonValue::Type::kString) || id->is(JsonValue::Type::kNumber))) {
    out.id = id->text();
  } else {
    out.id = std::string(context.source) + "_" + std::to_string(context.where.line - 1);
  }
}

void clear(Conversation& conversation) {
  conversation.messages.clear();
  conversation.tools = nullptr;
  conversation.variables = nullptr;
}

bool is_blank_row(std::string_view row) {
  return row.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

std::string_view read_object(std::string_view row, const RowContext& context, JsonRow& json) {
  if (context.problem != nullptr) return context.problem;
  if (context.too_long) return "line_too_long";
  if (!context.in_array && is_blank_row(row)) return kBlankLine;
  if (const JsonRow::Status status = json.parse(row); status != JsonRow::Status::kOk) {
    return reason_of(status);
  }
  return json.root().is(JsonValue::Type::kObject) ? "" : "wrong_type:row";
}

RowOutcome parse_row(std::string_view row, RowFormat format, const RowContext& context, JsonRow& json,
                     Conversation& conversation) {
  const std::string_view problem = read_object(row, context, json);
  if (problem == kBlankLine) return {RowFate::kIgnored, {std::string(problem)}};
  if (!problem.empty()) return dropped(std::string(problem));
  const JsonValue root = json.root();
  RowNotes notes;
  if (context.byte_order_mark) notes.reasons.emplace_back("repaired:byte_order_mark");
  clear(conversation);
  try {
    read_layout(root, format, conversation, notes);
    read_variables(root, conversation);
  } catch (DropRow& drop) {
    return dropped(std::move(drop.reason));
  }
  set_id(root, context, conversation);
  conversation.source = context.source;
  conversation.where = context.where;
  if (notes.control_character) notes.reasons.emplace_back("warning:control_character");
  RowOutcome outcome{RowFate::kKept, std::move(notes.reasons)};
  for (const std::string& reason : outcome.reasons) {
    if (reason.starts_with("repaired:")) outcome.fate = RowFate::kRepaired;
  }
  return outcome;
}

std::vector<RowFormat> formats_of(const JsonValue& row) {
  using Type = JsonValue::Type;
  const auto has = [&row](std::string_view key, std::initializer_list<Type> types) {
    const std::optional<JsonValue> value = row.find(key);
    if (!value) return false;
    for (const Type type : types) {
      if (value->is(type)) return true;
    }
    return false;
  };
  std::vector<RowFormat> formats;
  if (has("messages", {Type::kArray})) formats.push_back(RowFormat::kMessages);
  if (has("conversations", {Type::kArray})) formats.push_back(RowFormat::kSharegpt);
  if (has("instruction", {Type::kString}) && has("output", {Type::kString})) {
    formats.push_back(RowFormat::kAlpaca);
  }
  const bool answer =
      has("completion", {Type::kString, Type::kArray}) || has("response", {Type::kString, Type::kArray});
  if (has("prompt", {Type::kString, Type::kArray}) && answer) formats.push_back(RowFormat::kPromptCompletion);
  return formats;
}

}  // namespace caravan::data
