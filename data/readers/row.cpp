#include "data/readers/row.h"

#include <algorithm>

#include "data/readers/pair_layouts.h"
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
    case RowFormat::kPreference:
    case RowFormat::kLabelled:
      throw std::logic_error("read_layout: no layout of an example");
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

void read_pair(const JsonValue& row, TrainingRow& out, RowNotes& notes) {
  read_pair_row(row, out.conversation.messages, out.rejected.messages, notes);
  if (equal_turns(out.conversation.messages, out.rejected.messages)) throw DropRow{"chosen_equals_rejected"};
  if (!equal_prompts(out.conversation.messages, out.rejected.messages)) throw DropRow{"prompts_differ"};
  out.margin = read_margin(row);
  read_tools(row, out.conversation);
  out.rejected.tools = out.conversation.tools;
}

void read_labelled(const JsonValue& row, TrainingRow& out, RowNotes& notes) {
  out.label = read_label(row, notes);
  const std::vector<RowFormat> fits = formats_of(row);
  if (fits.empty()) throw DropRow{"missing_field:messages"};
  if (fits.size() > 1) throw DropRow{"both_fields:" + std::string("messages,completion")};
  read_layout(row, fits.front(), out.conversation, notes);
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

namespace {

// `read` fills conversations from the row's object; notes that both sides of a pair make count once.
template <class Read>
RowOutcome parse(std::string_view row, const RowContext& context, JsonRow& json, Conversation& conversation,
                 Read&& read) {
  const std::string_view problem = read_object(row, context, json);
  if (problem == kBlankLine) return {RowFate::kIgnored, {std::string(problem)}};
  if (!problem.empty()) return dropped(std::string(problem));
  const JsonValue root = json.root();
  RowNotes notes;
  if (context.byte_order_mark) notes.reasons.emplace_back("repaired:byte_order_mark");
  clear(conversation);
  try {
    read(root, notes);
    read_variables(root, conversation);
  } catch (DropRow& drop) {
    return dropped(std::move(drop.reason));
  }
  set_id(root, context, conversation);
  conversation.source = context.source;
  conversation.where = context.where;
  if (notes.control_character) notes.reasons.emplace_back("warning:control_character");
  RowOutcome outcome;
  for (std::string& reason : notes.reasons) {
    if (std::find(outcome.reasons.begin(), outcome.reasons.end(), reason) != outcome.reasons.end()) continue;
    if (reason.starts_with("repaired:")) outcome.fate = RowFate::kRepaired;
    outcome.reasons.push_back(std::move(reason));
  }
  return outcome;
}

}  // namespace

RowOutcome parse_row(std::string_view row, RowFormat format, const RowContext& context, JsonRow& json,
                     Conversation& conversation) {
  return parse(row, context, json, conversation, [&](const JsonValue& root, RowNotes& notes) {
    read_layout(root, format, conversation, notes);
  });
}

RowOutcome parse_training_row(std::string_view row, RowFormat format, const RowContext& context,
                              JsonRow& json, TrainingRow& out) {
  const RowKind kind = kind_of(format);
  if (kind == RowKind::kExample) return parse_row(row, format, context, json, out.conversation);
  clear(out.rejected);
  const RowOutcome outcome =
      parse(row, context, json, out.conversation, [&](const JsonValue& root, RowNotes& notes) {
        kind == RowKind::kPair ? read_pair(root, out, notes) : read_labelled(root, out, notes);
      });
  if (kind != RowKind::kPair) return outcome;
  out.rejected.id = out.conversation.id;
  out.rejected.source = out.conversation.source;
  out.rejected.where = out.conversation.where;
  out.rejected.variables = out.conversation.variables;
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
