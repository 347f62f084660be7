#include "data/filters/turn_filters.h"

#include <algorithm>
#include <optional>

#include "data/filters/blank_text.h"

namespace caravan::data {
namespace {

using Type = JsonValue::Type;

// The list that the turns of a row were read from, if it was one list.
std::optional<JsonValue> turn_list(const JsonValue& row) {
  for (const std::string_view key : {"messages", "conversations", "conversation"}) {
    const auto list = row.find(key);
    if (list && list->is(Type::kArray)) return list;
  }
  return std::nullopt;
}

// Whether turn `index` calls tools. Looked up only for turns without text, which are rare.
bool calls_tools(const JsonValue& row, std::size_t index) {
  const auto list = turn_list(row);
  if (!list) return false;
  for (const JsonValue turn : *list) {
    if (!turn.is(Type::kObject) || index-- > 0) continue;
    const auto calls = turn.find("tool_calls");
    const auto call = turn.find("function_call");
    return (calls && calls->truthy()) || (call && call->truthy());
  }
  return false;
}

class EmptyTurns : public RowFilter {
 public:
  explicit EmptyTurns(bool to_the_letter) : to_the_letter_(to_the_letter) {}

  void judge(const FilterRow& row, FilterSpace&, std::vector<FilterHit>& hits) const override {
    const bool found =
        any_turn(row, TurnsOf::kAll, [&](const Message& message, std::size_t side, std::size_t i) {
          if (!trimmed(message.content).empty()) return false;
          if (!to_the_letter_ && message.role == "assistant" && calls_tools(row.json, i)) return false;
          hits.push_back({.reason = "empty_turn:" + shown_role(message.role), .side = side, .message = i});
          return true;
        });
    if (found || to_the_letter_) return;
    for (std::size_t side = 0; side < row.sides.size(); ++side) {
      for (const char* role : {"user", "assistant"}) {
        if (std::ranges::count(row.sides[side].messages, role, &Message::role) > 0) continue;
        hits.push_back({.reason = "missing_turns:" + std::string(role), .side = side});
        return;
      }
    }
  }

 private:
  // Roles are text of the row: only the known ones become part of a reason.
  static std::string shown_role(const std::string& role) {
    const bool known = role == "system" || role == "user" || role == "assistant" || role == "tool";
    return known ? role : "other";
  }
  bool to_the_letter_;
};

class RoleOrder : public RowFilter {
 public:
  void judge(const FilterRow& row, FilterSpace&, std::vector<FilterHit>& hits) const override {
    for (std::size_t side = 0; side < row.sides.size(); ++side) {
      const std::vector<Message>& messages = row.sides[side].messages;
      std::string_view before;
      for (std::size_t i = 0; i <= messages.size(); ++i) {
        const std::string problem =
            i == messages.size() ? end_problem(before) : problem_at(messages[i].role, before, i);
        if (!problem.empty()) {
          hits.push_back(
              {.reason = "role_order:" + problem, .side = side, .message = std::min(i, messages.size() - 1)});
          return;
        }
        if (i < messages.size()) before = messages[i].role;
      }
    }
  }

 private:
  static std::string problem_at(std::string_view role, std::string_view before, std::size_t index) {
    if (role == "system") return index == 0 ? "" : before == "system" ? "second_system" : "system_not_first";
    const bool after_start = before.empty() || before == "system";
    if (role == "user")
      return before == "user" ? "consecutive_user" : before == "tool" ? "user_after_tool" : "";
    if (role == "assistant")
      return after_start ? "assistant_first" : before == "assistant" ? "consecutive_assistant" : "";
    // Several tools may answer one turn's calls.
    if (role == "tool") return before == "assistant" || before == "tool" ? "" : "tool_without_call";
    return "unknown_role";
  }
  static std::string end_problem(std::string_view last) {
    return last.empty() || last == "assistant" ? "" : "ends_with_" + std::string(last);
  }
};

class DuplicateSystem : public RowFilter {
 public:
  void judge(const FilterRow& row, FilterSpace& space, std::vector<FilterHit>& hits) const override {
    for (std::size_t side = 0; side < row.sides.size(); ++side) {
      const std::vector<Message>& messages = row.sides[side].messages;
      space.seen.clear();
      bool user_seen = false;
      for (std::size_t i = 0; i < messages.size(); ++i) {
        const bool is_system = messages[i].role == "system";
        const bool is_user = messages[i].role == "user";
        const bool is_first_user = is_user && !user_seen;
        user_seen = user_seen || is_user;
        if (!is_system && !is_first_user) continue;
        if (stood_before(messages, i, space)) {
          hits.push_back({.reason = is_system ? "duplicate_system:repeated" : "duplicate_system:first_user",
                          .side = side,
                          .message = i});
          return;
        }
      }
    }
  }

 private:
  // Hashes keep a row of many system turns from costing their number squared; texts decide.
  static bool stood_before(const std::vector<Message>& messages, std::size_t index, FilterSpace& space) {
    const std::string_view text = trimmed(messages[index].content);
    const std::uint64_t hash = hash_letters(text);
    const bool maybe = !text.empty() && std::ranges::find(space.seen, hash) != space.seen.end();
    if (messages[index].role == "system" && !maybe && space.seen.size() < kMaxSystems)
      space.seen.push_back(hash);
    if (!maybe) return false;
    for (std::size_t i = 0; i < index; ++i) {
      if (messages[i].role == "system" && trimmed(messages[i].content) == text) return true;
    }
    return false;
  }
  static constexpr std::size_t kMaxSystems = 256;
};

bool is_true(const JsonValue& object, std::string_view key) {
  const auto value = object.find(key);
  // Csv has no other way to say it.
  return value && (value->is(Type::kTrue) || value->equals("true") || value->equals("True"));
}

bool is_flagged(const JsonValue& object) {
  const auto moderation = object.find("openai_moderation");
  if (!moderation) return false;
  if (moderation->is(Type::kObject)) return is_true(*moderation, "flagged");
  if (!moderation->is(Type::kArray)) return false;
  for (const JsonValue turn : *moderation) {
    if (is_true(turn, "flagged")) return true;
  }
  return false;
}

class Moderation : public RowFilter {
 public:
  void judge(const FilterRow& row, FilterSpace&, std::vector<FilterHit>& hits) const override {
    bool toxic = false, redacted = false, flagged = false;
    const auto look = [&](const JsonValue& object) {
      toxic = toxic || is_true(object, "toxic");
      redacted = redacted || is_true(object, "redacted");
      flagged = flagged || is_flagged(object);
    };
    look(row.json);
    if (const auto list = turn_list(row.json)) {
      for (const JsonValue turn : *list) look(turn);
    }
    if (toxic) hits.push_back({.reason = "moderation:toxic"});
    if (redacted) hits.push_back({.reason = "moderation:redacted"});
    if (flagged) hits.push_back({.reason = "moderation:flagged"});
  }
};

}  // namespace

std::unique_ptr<RowFilter> make_empty_turns_filter(bool to_the_letter) {
  return std::make_unique<EmptyTurns>(to_the_letter);
}

std::unique_ptr<RowFilter> make_role_order_filter() {
  return std::make_unique<RoleOrder>();
}

std::unique_ptr<RowFilter> make_duplicate_system_filter() {
  return std::make_unique<DuplicateSystem>();
}

std::unique_ptr<RowFilter> make_moderation_filter() {
  return std::make_unique<Moderation>();
}

}  // namespace caravan::data
