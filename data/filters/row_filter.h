// What all filters of rows have in common: what they see, and what they answer.
//
// Goals: a filter is a pure function of the row, so the output does not depend on threads; whatever a row
// holds, it gets an answer in time linear in its size (patterns: bounded steps). Non-goals: rewriting rows,
// judging one row by others (deduplication).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/filters/filter_options.h"
#include "data/message.h"
#include "data/readers/json_row.h"
#include "data/words/words.h"

namespace caravan::data {

// A row as filters see it: its JSON, and its conversation; of a preference row both, the prompt with each
// answer.
struct FilterRow {
  JsonValue json;
  std::span<const Conversation> sides;
};

// Why a row is dropped, and where that shows.
struct FilterHit {
  static constexpr std::size_t kNoMessage = SIZE_MAX;
  std::string reason;    // "keyword:OpenAI"; up to the colon it names the filter
  std::size_t side = 0;  // of FilterRow::sides
  std::size_t message = kNoMessage;
  std::size_t begin = 0, end = 0;  // bytes of its content; equal where no stretch of it is to blame
};

// Memory of one thread, reused from row to row.
struct FilterSpace {
  Words words;
  std::vector<std::int32_t> ids;
  std::vector<std::uint64_t> seen;
  std::string text;
};

class RowFilter {
 public:
  virtual ~RowFilter() = default;
  // Adds at most one hit for each thing it looks for. Thread safe.
  virtual void judge(const FilterRow& row, FilterSpace& space, std::vector<FilterHit>& hits) const = 0;
};

inline bool is_among(std::string_view role, TurnsOf turns) {
  return turns == TurnsOf::kAll || role == (turns == TurnsOf::kUser ? "user" : "assistant");
}

// `look(message, side, index)` of each turn until it returns true; whether one did.
template <class Look>
bool any_turn(const FilterRow& row, TurnsOf turns, Look look) {
  for (std::size_t side = 0; side < row.sides.size(); ++side) {
    const std::vector<Message>& messages = row.sides[side].messages;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      if (is_among(messages[i].role, turns) && look(messages[i], side, i)) return true;
    }
  }
  return false;
}

}  // namespace caravan::data
