// An enum behind a flag: CommandFlags takes and checks the names, here they become the value.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace caravan::recipes {

// The names that choice_names gives an enum, for CommandFlags::add_choice.
template <class Choice>
std::vector<std::string_view> choices_of() {
  const auto names = choice_names(Choice{});
  return {names.begin(), names.end()};
}

// Sets `choice` to what has the name; leaves it where none is given.
template <class Choice>
void choose(const std::optional<std::string>& name, Choice& choice) {
  const auto names = choice_names(Choice{});
  for (std::size_t i = 0; name && i < names.size(); ++i) {
    if (names[i] == *name) choice = static_cast<Choice>(i);
  }
}

}  // namespace caravan::recipes
