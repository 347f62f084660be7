// The last words of `caravan validate` on a recipe of any kind.
#pragma once

#include <cstdio>
#include <string>

#include "recipes/resolved_recipe.h"

namespace caravan::recipes {

// "RECIPE is valid" on stdout; where the recipe is to be shown in full, that is on stdout and this on stderr.
template <class Read>
void print_valid(const Read& read, const std::string& path, bool resolved) {
  std::fprintf(resolved ? stderr : stdout, "%s is valid\n", path.c_str());
  if (resolved) std::fputs(resolved_yaml(read.recipe).c_str(), stdout);
}

}  // namespace caravan::recipes
