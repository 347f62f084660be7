// A training row as measures see it: the words of its messages one after the other, and where each begins.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "data/message.h"
#include "data/words/words.h"

namespace caravan::data {

// Which messages are searched.
enum class SearchScope : std::uint8_t { kAll, kUser, kAssistant };
constexpr std::array<std::string_view, 3> choice_names(SearchScope) {
  return {"all", "user", "assistant"};
}

struct RowWords {
  struct Part {
    std::uint32_t first_word = 0;
    std::uint32_t end_word = 0;
    std::uint32_t message = 0;  // index in the conversation
    bool from_user = false;
  };
  Words words;
  std::vector<Part> parts;  // one per message in scope, also where it has no words
  const Conversation* row = nullptr;
};

inline bool is_in_scope(std::string_view role, SearchScope scope) {
  return scope == SearchScope::kAll || role == (scope == SearchScope::kUser ? "user" : "assistant");
}

// `row` must outlive `out`.
void split_row(const Conversation& row, SearchScope scope, const WordSplitter& splitter, RowWords& out);

}  // namespace caravan::data
