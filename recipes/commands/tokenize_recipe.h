// `caravan tokenize --recipe`: the rows of a recipe as its training would see them.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace caravan::recipes {

struct RecipeRows {
  std::string recipe = {};
  std::vector<std::string> overrides = {};
  std::int64_t rows = 10;  // of each source
  bool show = false;
  bool color = false;
  std::string only_file = {};  // absolute; with only_line: this row and no other
  std::uint64_t only_line = 0;
};

// The first rows of each source of data.sources through layout, template, tokenizer, mask and max_length of
// the recipe: for eyes under `show`, else one JSON line each: {"file", "line", "fate", "reason", "documents":
// [{"ids", "mask"}]}. `take`, weights and order are not applied. Throws RecipeError and data::Error as
// training does.
void tokenize_recipe_rows(const RecipeRows& asked, std::ostream& out);

}  // namespace caravan::recipes
