#include "data/walk/row_messages.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "data/json_members.h"

namespace caravan::data {
namespace {

using Type = JsonValue::Type;

constexpr std::array<std::string_view, 3> kListKeys = {"messages", "conversations", "conversation"};
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

// Read beside a list too: training reads them there.
constexpr std::array<std::string_view, 3> kBesideLists = {"system", "chosen", "rejected"};
constexpr std::array<std::string_view, 2> kSideLists = {"chosen_messages", "rejected_messages"};

// Where the parts of a content, and the turn itself, may have texts besides `content`.
constexpr std::array<std::string_view, 6> kPartKeys = {"text",      "value",    "content",
                                                       "reasoning", "thinking", "tool_call"};
constexpr std::array<std::string_view, 3> kThoughtKeys = {"reasoning_content", "reasoning", "thinking"};

// What filters judge is what a turn says.
constexpr TurnParts kSideParts = TurnParts::kContent;

// Which of the texts of a row is its question.
constexpr std::array<std::string_view, 7> kAskingKeys = {"prompt", "question", "instruction", "problem",
                                                         "query",  "text",     "input"};

// The reference's names, and ShareGPT's for the same.
std::string role_name(std::string name) {
  if (name == "human") return "user";
  if (name == "gpt" || name == "chatgpt" || name == "bing" || name == "bard" || name == "model")
    return "assistant";
  return name;
}

void append_line(const JsonValue& text, std::string& out) {
  if (!text.is(Type::kString)) return;
  if (!out.empty()) out.push_back('\n');
  text.append_text(out);
}

// A text, or the texts of a list of parts, one a line.
void append_content(const JsonValue& content, std::string& out) {
  append_line(content, out);
  if (!content.is(Type::kArray)) return;
  for (const JsonValue part : content) {
    append_line(part, out);
    if (!part.is(Type::kObject)) continue;
    for (const JsonValue member : part)
      if (std::ranges::any_of(kPartKeys, [&](std::string_view key) { return member.is_key(key); }))
        append_line(member, out);
  }
}

// Every text inside, as deep as a row may be: names and arguments of calls.
void append_texts(const JsonValue& value, std::string& out) {
  append_line(value, out);
  for (const JsonValue child : value) append_texts(child, out);
}

// What else of a turn is trained on: a thought, the calls of tools.
void append_rest(const JsonValue& message, std::string& out) {
  for (const JsonValue member : message) {
    if (std::ranges::any_of(kThoughtKeys, [&](std::string_view key) { return member.is_key(key); }))
      append_line(member, out);
    if (member.is_key("tool_calls") || member.is_key("function_call")) append_texts(member, out);
  }
}

Message& add_message(Conversation& out, std::string role) {
  Message& message = out.messages.emplace_back();
  message.role = std::move(role);
  return message;
}

void add_listed(const JsonValue& message, TurnParts parts, Conversation& out) {
  if (!message.is(Type::kObject)) return;
  auto role = message.find("role");
  if (!role) role = message.find("from");
  auto content = message.find("content");
  if (!content) content = message.find("value");
  Message& added = add_message(out, role && role->is(Type::kString) ? role_name(role->text()) : "");
  if (content) append_content(*content, added.content);
  if (parts == TurnParts::kContent) return;
  if (parts == TurnParts::kAllTexts) return append_rest(message, added.content);
  for (const JsonValue member : message) {
    const std::string key = member.key();
    if (key == "role" || key == "from") continue;
    if ((key == "content" || key == "value") && member.is(Type::kString)) continue;
    if (auto value = member.to_json()) append_new_member(added.extra, key, std::move(*value));
  }
}

void add_member(const JsonValue& member, const std::string& role, TurnParts parts, Conversation& out) {
  if (member.is(Type::kString)) {
    member.append_text(add_message(out, role).content);
  } else if (member.is(Type::kArray)) {
    for (const JsonValue message : member) add_listed(message, parts, out);
  } else if (member.is(Type::kObject)) {
    add_listed(member, parts, out);
  }
}

void read_text(const JsonValue& row, std::string_view key, std::string& out) {
  out.clear();
  const auto value = row.find(key);
  if (value && (value->is(Type::kString) || value->is(Type::kNumber))) value->append_text(out);
}

bool has_list(const JsonValue& row) {
  return std::ranges::any_of(kListKeys, [&row](std::string_view key) {
    const auto list = row.find(key);
    return list && list->is(Type::kArray);
  });
}

// A list that a pair's loader reads as its prompt; of `messages` it takes no notice.
bool is_prompt_list(const JsonValue& member) {
  return member.is_key("conversations") && member.is(Type::kArray);
}

bool is_list(const JsonValue& member) {
  return member.is(Type::kArray) &&
         std::ranges::any_of(kListKeys, [&](std::string_view key) { return member.is_key(key); });
}

// Alpaca's earlier exchanges: [[question, answer], ...].
bool add_history(const JsonValue& history, Conversation& out) {
  if (!history.is(Type::kArray)) return false;
  for (const JsonValue exchange : history) {
    const char* role = "user";
    for (const JsonValue text : exchange) {
      if (text.is(Type::kString)) text.append_text(add_message(out, role).content);
      role = "assistant";
    }
  }
  return history.num_children() > 0;
}

std::optional<JsonValue> side_of(const JsonValue& row, std::string_view name) {
  const auto side = row.find(name);
  return side ? side : row.find(std::string(name) + "_messages");
}

void add_texts_of(const JsonValue& row, std::string_view wanted, Conversation& out) {
  for (const JsonValue member : row) {
    for (const auto& [key, role] : kTextKeys)
      if (role == wanted && member.is_key(key)) add_member(member, std::string(role), TurnParts::kExtra, out);
  }
}

void read_question(const JsonValue& row, Conversation& out) {
  const auto prompt = row.find("prompt");
  if (prompt && !prompt->is(Type::kString)) return add_member(*prompt, "user", TurnParts::kExtra, out);
  std::string asked, more;
  for (const std::string_view key : kAskingKeys) {
    read_text(row, key, asked);
    if (asked.empty()) continue;
    if (key == "instruction") read_text(row, "input", more);
    if (!more.empty()) asked += "\n\n" + more;
    add_message(out, "user").content = std::move(asked);
    return;
  }
}

// Nothing that a message carries is lost where its text alone is passed on.
bool is_plain(const Message& message) {
  if (message.role.empty()) return false;
  for (const char* key : {"tool_calls", "function_call"})
    if (message.extra.contains(key) && !message.extra[key].empty()) return false;
  for (const char* key : {"content", "value"}) {
    const auto whole = message.extra.find(key);
    if (whole == message.extra.end()) continue;
    const bool texts =
        whole->is_array() && std::ranges::all_of(*whole, [](const Json& part) {
          return part.is_string() || (part.is_object() && part.contains("text") && part["text"].is_string());
        });
    if (!texts) return false;
  }
  return true;
}

}  // namespace

bool read_row_messages(const JsonValue& row, TurnParts parts, Conversation& out) {
  out.messages.clear();
  read_text(row, "id", out.id);
  read_text(row, "source", out.source);
  const bool listed = has_list(row);
  bool found = false;
  for (const JsonValue member : row) {
    if (is_list(member)) {
      add_member(member, "", parts, out);
      found = true;
    } else if (member.is_key("history")) {
      found = add_history(member, out) || found;
    }
    for (const auto& [key, role] : kTextKeys) {
      if (!member.is_key(key) || (listed && std::ranges::find(kBesideLists, key) == kBesideLists.end()))
        continue;
      add_member(member, std::string(role), parts, out);
      found = true;
    }
    for (const std::string_view key : kSideLists) {
      if (!member.is_key(key)) continue;
      add_member(member, "assistant", parts, out);
      found = true;
    }
  }
  return found;
}

bool read_listed_messages(const JsonValue& row, TurnParts parts, Conversation& out) {
  for (const std::string_view key : kListKeys) {
    const auto list = row.find(key);
    if (!list || !list->is(Type::kArray)) continue;
    out.messages.clear();
    read_text(row, "id", out.id);
    read_text(row, "source", out.source);
    // ShareGPT's system text stands apart.
    if (const auto system = row.find("system"); system && key != "messages" && system->truthy())
      add_member(*system, "system", parts, out);
    add_member(*list, "", parts, out);
    return true;
  }
  return read_row_messages(row, parts, out);
}

bool read_row_sides(const JsonValue& row, std::vector<Conversation>& sides) {
  const auto chosen = side_of(row, "chosen"), rejected = side_of(row, "rejected");
  const bool is_pair = chosen && rejected;
  sides.resize(is_pair ? 2 : 1);
  if (!is_pair) return read_listed_messages(row, kSideParts, sides[0]);
  const auto asking = row.find("conversations");
  const bool has_prompt_list = asking && asking->is(Type::kArray);
  for (std::size_t i = 0; i < 2; ++i) {
    Conversation& side = sides[i];
    side.messages.clear();
    add_member(i == 0 ? *chosen : *rejected, "assistant", kSideParts, side);
    const bool is_whole = !side.messages.empty() && side.messages.front().role != "assistant";
    if (is_whole) continue;
    std::vector<Message> answer = std::move(side.messages);
    side.messages.clear();
    for (const JsonValue member : row) {
      if (is_prompt_list(member)) add_member(member, "", kSideParts, side);
      for (const auto& [key, role] : kTextKeys)
        if (member.is_key(key) && role == "system") add_member(member, "system", kSideParts, side);
      // Where a list asks, texts under other keys only say it once more.
      for (const auto& [key, role] : kTextKeys)
        if (!has_prompt_list && member.is_key(key) && role == "user")
          add_member(member, "user", kSideParts, side);
    }
    std::ranges::move(answer, std::back_inserter(side.messages));
  }
  return true;
}

bool read_asked_messages(const JsonValue& row, Conversation& out) {
  if (has_list(row)) {
    read_listed_messages(row, TurnParts::kExtra, out);
  } else if (row.find("chosen") && row.find("rejected")) {
    std::vector<Conversation> sides;
    read_row_sides(row, sides);
    out = std::move(sides.front());
  } else {
    out.messages.clear();
    add_texts_of(row, "system", out);
    read_question(row, out);
    add_texts_of(row, "assistant", out);
  }
  if (!std::ranges::all_of(out.messages, is_plain)) out.messages.clear();
  return !out.messages.empty();
}

}  // namespace caravan::data
