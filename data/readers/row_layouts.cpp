#include "data/readers/row_layouts.h"

#include <array>
#include <utility>

#include "data/json_members.h"

namespace caravan::data {
namespace {

using Type = JsonValue::Type;

void add_text_message(std::string role, std::string text, std::vector<Message>& out) {
  out.push_back({std::move(role), std::move(text), nullptr});
}

void add_system(const JsonValue& row, std::vector<Message>& out, RowNotes& notes) {
  std::string system = optional_text(row, "system", notes);
  if (!system.empty()) add_text_message("system", std::move(system), out);
}

// Content given as a list of typed parts: texts are joined, reasoning and tool calls go where templates look
// for them.
void read_parts(const JsonValue& parts, Message& message, RowNotes& notes) {
  std::string reasoning;
  for (const JsonValue part : parts) {
    const std::optional<JsonValue> kind = part.find("type");
    if (!kind || !kind->is(Type::kString)) throw DropRow{"wrong_type:content"};
    std::optional<JsonValue> value = part.find("value");
    if (!value) value = part.find(kind->text());
    if (!value || !value->is(Type::kString)) throw DropRow{"unsupported_part:" + shorten(kind->text())};
    if (kind->equals("text")) {
      notes.control_character |= value->append_text(message.content);
    } else if (kind->equals("reasoning") || kind->equals("thinking")) {
      notes.control_character |= value->append_text(reasoning);
    } else if (kind->equals("tool_call")) {
      const std::optional<Json> call = parse_embedded(value->text());
      if (!call) throw DropRow{"bad_tool_call"};
      for (Json& made : tool_calls_from(*call)) message.extra["tool_calls"].push_back(std::move(made));
    } else {
      throw DropRow{"unsupported_part:" + shorten(kind->text())};
    }
  }
  if (!reasoning.empty()) message.extra["reasoning_content"] = std::move(reasoning);
  if (notes.reasons.empty() || notes.reasons.back() != "repaired:content_parts") {
    notes.reasons.emplace_back("repaired:content_parts");
  }
}

bool is_parts(const JsonValue& content) {
  if (!content.is(Type::kArray) || content.num_children() == 0) return false;
  for (const JsonValue part : content) {
    if (!part.is(Type::kObject)) return false;
  }
  return true;
}

constexpr std::array<std::string_view, 4> kRoles{"user", "assistant", "system", "tool"};

void check_role(const JsonValue& role) {
  if (!role.is(Type::kString)) throw DropRow{"wrong_type:role"};
  for (const std::string_view known : kRoles) {
    if (role.equals(known)) return;
  }
  throw DropRow{"unknown_role:" + shorten(role.text())};
}

// What else the row says about a turn, except the named keys.
void keep_extra(const JsonValue& message, std::string_view first, std::string_view second, Json& extra) {
  const Json before = extra;
  for (const JsonValue value : message) {
    if (value.is_key(first) || value.is_key(second) || value.is(Type::kNull)) continue;
    if (value.is_key("tool_calls") && !value.truthy()) continue;
    if (before.contains(value.key()))
      extra[value.key()] = keep(value);
    else
      append_new_member(extra, value.key(), keep(value));
  }
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kShareGptRoles{{
    {"human", "user"},
    {"gpt", "assistant"},
    {"user", "user"},
    {"system", "system"},
    {"tool", "tool"},
    {"observation", "tool"},
    {"chatgpt", "assistant"},
    {"bing", "assistant"},
    {"bard", "assistant"},
}};

std::string_view sharegpt_role(const JsonValue& from) {
  if (!from.is(Type::kString)) throw DropRow{"wrong_type:from"};
  for (const auto& [name, role] : kShareGptRoles) {
    if (from.equals(name)) return role;
  }
  throw DropRow{"unknown_role:" + shorten(from.text())};
}

}  // namespace

void append_sharegpt_turn(const JsonValue& turn, std::vector<Message>& out, RowNotes& notes) {
  if (!turn.is(Type::kObject)) throw DropRow{"wrong_type:message"};
  const JsonValue from = need(turn, "from");
  const JsonValue value = need(turn, "value");
  Message message;
  if (from.equals("function_call")) {
    if (!value.is(Type::kString)) throw DropRow{"bad_tool_call"};
    const std::optional<Json> calls = parse_embedded(value.text());
    if (!calls) throw DropRow{"bad_tool_call"};
    message.role = "assistant";
    message.extra["tool_calls"] = tool_calls_from(*calls);
  } else {
    message.role = sharegpt_role(from);
    message.content = need_text(value, "content", notes);
  }
  keep_extra(turn, "from", "value", message.extra);
  out.push_back(std::move(message));
}

void append_message(const JsonValue& value, std::vector<Message>& out, RowNotes& notes) {
  if (!value.is(Type::kObject)) throw DropRow{"wrong_type:message"};
  const JsonValue role = need(value, "role");
  check_role(role);
  const std::optional<JsonValue> calls = value.find("tool_calls");
  const bool has_calls = calls && calls->truthy();
  if (has_calls && !calls->is(Type::kArray)) throw DropRow{"wrong_type:tool_calls"};
  const std::optional<JsonValue> content = value.find("content");
  if (!content && !has_calls) throw DropRow{"missing_field:content"};
  Message& message = out.emplace_back();
  message.role = role.text();
  if (content && is_parts(*content)) {
    read_parts(*content, message, notes);
    if (is_blank(message.content) && !has_calls && !message.extra.contains("tool_calls")) {
      throw DropRow{"empty_content"};
    }
  } else if (content && !(has_calls && !content->truthy())) {
    message.content = need_text(*content, "content", notes);
  }
  if (value.num_children() > (content ? 2u : 1u)) keep_extra(value, "role", "content", message.extra);
}

void read_messages_row(const JsonValue& row, Conversation& out, RowNotes& notes) {
  const JsonValue messages = need(row, "messages");
  if (!messages.is(Type::kArray)) throw DropRow{"wrong_type:messages"};
  out.messages.reserve(messages.num_children());
  for (const JsonValue message : messages) append_message(message, out.messages, notes);
  check_roles(out.messages, notes);
  read_tools(row, out);
}

void read_sharegpt_row(const JsonValue& row, Conversation& out, RowNotes& notes) {
  const JsonValue turns = need(row, "conversations");
  if (!turns.is(Type::kArray)) throw DropRow{"wrong_type:conversations"};
  out.messages.reserve(turns.num_children() + 1);
  add_system(row, out.messages, notes);
  for (const JsonValue turn : turns) append_sharegpt_turn(turn, out.messages, notes);
  check_roles(out.messages, notes);
  read_tools(row, out);
}

void read_alpaca_row(const JsonValue& row, Conversation& out, RowNotes& notes) {
  const JsonValue instruction = need(row, "instruction");
  const JsonValue output = need(row, "output");
  add_system(row, out.messages, notes);
  const std::optional<JsonValue> history = row.find("history");
  if (history && history->truthy()) {
    if (!history->is(Type::kArray)) throw DropRow{"wrong_type:history"};
    for (const JsonValue pair : *history) {
      if (!pair.is(Type::kArray) || pair.num_children() != 2) throw DropRow{"wrong_type:history"};
      auto side = pair.begin();
      add_text_message("user", need_text(*side, "history", notes), out.messages);
      add_text_message("assistant", need_text(*++side, "history", notes), out.messages);
    }
  }
  std::string prompt = need_text(instruction, "prompt", notes);
  const std::string input = optional_text(row, "input", notes);
  if (!input.empty()) prompt += "\n\n" + input;
  add_text_message("user", std::move(prompt), out.messages);
  add_text_message("assistant", need_text(output, "response", notes), out.messages);
  read_tools(row, out);
}

void read_prompt_completion_row(const JsonValue& row, Conversation& out, RowNotes& notes) {
  const JsonValue prompt = need(row, "prompt");
  const std::optional<JsonValue> response = row.find("response");
  const std::optional<JsonValue> completion = row.find("completion");
  if (response && completion) throw DropRow{"both_fields:completion,response"};
  const JsonValue answer = response ? *response : need(row, "completion");
  add_system(row, out.messages, notes);
  if (prompt.is(Type::kArray) && answer.is(Type::kArray)) {
    for (const JsonValue message : prompt) append_message(message, out.messages, notes);
    for (const JsonValue message : answer) append_message(message, out.messages, notes);
    check_roles(out.messages, notes);
  } else {
    add_text_message("user", need_text(prompt, "prompt", notes), out.messages);
    add_text_message("assistant", need_text(answer, "response", notes), out.messages);
  }
  read_tools(row, out);
}

}  // namespace caravan::data
