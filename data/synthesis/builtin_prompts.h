// The templates that come with the program, by name. All may be replaced by files of one's own:
// `caravan synthesize --print-template NAME` writes one out to begin with.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace caravan::data {

struct BuiltinPrompt {
  std::string_view name;
  std::string_view about;   // one line
  std::string_view places;  // comma-separated
  std::string_view text;
};

std::span<const BuiltinPrompt> builtin_prompts();
// Throws data::Error (usage) with the list of names.
const BuiltinPrompt& builtin_prompt(std::string_view name);
// "persona,constraints" as a list.
std::vector<std::string_view> places_of(const BuiltinPrompt& prompt);

// Subjects that personas are made around, one a line.
std::string_view builtin_topics();

}  // namespace caravan::data
