// Every key of a recipe, told from the field lists that the reader uses.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace caravan::recipes {

struct KeyDescription {
  std::string key;      // "optimizer.learning_rate"; elements of lists as "data.sources[].path"
  std::string allowed;  // type, unit and range in words
  std::string initial;  // default as a recipe writes it; "required", "absent"
  std::string help;
  std::string aliases;  // other frameworks' names, separated by ", "
  bool free_at_resume = false;
};

struct SectionDescription {
  std::string name;  // empty: the top of the recipe
  std::string help;
  std::vector<KeyDescription> keys;
};

// All sections in the order of a recipe.
std::vector<SectionDescription> describe_recipe();

// For a terminal. `section`: empty for all, a section, or keys by full name ("data.max_length"), last part
// ("max_length") or another framework's name ("lr"). Nothing where there is no such name.
std::optional<std::string> description_text(std::string_view section);

// The shortest recipe to copy; valid but for the files it names.
std::string minimal_recipe();

// recipes/README.md, whole.
std::string description_markdown();

}  // namespace caravan::recipes
