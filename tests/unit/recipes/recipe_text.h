// A small recipe for tests, and the error text that a recipe gives.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "recipes/read_recipe.h"

namespace caravan::tests {

// Valid and as short as can be. Line 3 is free for one more line.
inline std::string small_recipe(std::string_view line3 = "name: small") {
  return "schema: 1\nstage: sft\n" + std::string(line3) +
         "\nmodel: {path: model}\n"
         "data: {sources: [{path: rows.jsonl}], max_length: 128 tokens}\n"
         "batch: {tokens: 1024}\n"
         "optimizer: {learning_rate: 1e-3}\n"
         "run: {dir: runs/small, max_steps: 10}\n";
}

inline recipes::ReadRecipe read(std::string_view text, const std::vector<std::string>& overrides = {}) {
  return recipes::read_recipe_text(text, "r.yaml", "/recipes", overrides);
}

// What the user is told; empty where the recipe is accepted.
inline std::string error_of(std::string_view text, const std::vector<std::string>& overrides = {}) {
  try {
    read(text, overrides);
  } catch (const recipes::RecipeError& error) {
    return error.what();
  }
  return {};
}

}  // namespace caravan::tests
