#include "data/walk/row_messages.h"

#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace caravan::data {
namespace {

using Type = JsonValue::Type;

constexpr std::array<std::pair<std::string_view, std::string_view>, 15> kTextKeys = {{
    {"system", "system"},
    {"instruction", "user"},
    {"input", "user"},
    {"question", "user"},
    {"problem", "user"},
    {"query", "user"},
    {"text", "user"},
    {"prompt", "user"},
    {"output", "assistant"},
    {"completion", "assistant"},
    {"response", "assistant"},
    {"answer", "assistant"},
    {"solution", "assistant"},
    {"chosen", "assistant"},
    {"rejected", "assistant"},
}};

// The reference's names, and ShareGPT's for the same.
std::string role_name(std::string name) {
  if (name == "human") return "user";
  if (name == "gpt" || name == "chatgpt" || name == "bing" || name == "bard" || name == "model")
    return "assistant";
  return name;
}

// A text, or the texts of a list of parts, one a line.
void append_content(const JsonValue& content, std::string& out) {
  if (content.is(Type::kString)) {
    content.append_text(out);
  } else if (content.is(Type::kArray)) {
    for (const JsonValue part : content) {
      const auto text = part.is(Type::kObject) ? part.find("text") : std::optional<JsonValue>(part);
      if (!text || !text->is(Type::kString)) continue;
      if (!out.empty()) out.push_back('\n');
      text->append_text(out);
    }
  }
}

Message& add_message(Conversation& out, std::string role) {
  Message& message = out.messages.emplace_back();
  message.role = std::move(role);
  return message;
}

void add_listed(const JsonValue& message, bool keep_extra, Conversation& out) {
  if (!message.is(Type::kObject)) return;
  auto role = message.find("role");
  if (!role) role = message.find("from");
  auto content = message.find("content");
  if (!content) content = message.find("value");
  Message& added = add_message(out, role && role->is(Type::kString) ? role_name(role->text()) : "");
  if (content) append_content(*content, added.content);
  if (!keep_extra) return;
  for (const JsonValue member : message) {
    const std::string key = member.key();
    if (key == "role" || key == "from") continue;
    if ((key == "content" || key == "value") && member.is(Type::kString)) continue;
    if (auto value = member.to_json()) added.extra[key] = std::move(*value);
  }
}

void add_member(const JsonValue& member, const std::string& role, bool keep_extra, Conversation& out) {
  if (member.is(Type::kString)) {
    member.append_text(add_message(out, role).content);
  } else if (member.is(Type::kArray)) {
    for (const JsonValue message : member) add_listed(message, keep_extra, out);
  } else if (member.is(Type::kObject)) {
    add_listed(member, keep_extra, out);
  }
}

void read_text(const JsonValue& row, std::string_view key, std::string& out) {
  out.clear();
  const auto value = row.find(key);
  if (value && (value->is(Type::kString) || value->is(Type::kNumber))) value->append_text(out);
}

}  // namespace

bool read_row_messages(const JsonValue& row, bool keep_extra, Conversation& out) {
  out.messages.clear();
  read_text(row, "id", out.id);
  read_text(row, "source", out.source);
  for (const std::string_view key : {"messages", "conversations"}) {
    const auto list = row.find(key);
    if (!list || !list->is(Type::kArray)) continue;
    add_member(*list, "", keep_extra, out);
    return true;
  }
  bool found = false;
  for (const JsonValue member : row) {
    for (const auto& [key, role] : kTextKeys) {
      if (!member.is_key(key)) continue;
      add_member(member, std::string(role), keep_extra, out);
      found = true;
    }
  }
  return found;
}

}  // namespace caravan::data
