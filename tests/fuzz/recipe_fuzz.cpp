// A recipe and one override of it.
#include "recipes/read_recipe.h"
#include "recipes/reader/problem.h"
#include "tests/fuzz/fuzz_input.h"

using namespace caravan;

const fuzz::Registered kTarget("recipe", [](fuzz::Input input) {
  std::vector<std::string> overrides;
  if (input.choose(2) == 1) overrides.emplace_back(input.line());
  const std::string text(input.rest());
  const bool rows = input.choose(2) == 1;
  fuzz::may_refuse<recipes::RecipeError>([&] {
    if (rows)
      recipes::read_data_recipe_text(text, "fuzz.yaml", "/nowhere", overrides);
    else
      recipes::read_recipe_text(text, "fuzz.yaml", "/nowhere", overrides);
  });
});
