// What training would find out in its first second: the device, run.dir, the first rows. `caravan validate`
// asks it without loading anything.
#pragma once

#include <string>
#include <vector>

#include "recipes/recipe.h"

namespace caravan::recipes {

struct RunCheck {
  struct Failure {
    std::string message;
    int exit_code = 2;  // that training would end with
  };
  std::vector<Failure> failures;
  std::vector<std::string> notes;
};

// Of a recipe whose files are there (require_files). Writes nothing that stays: whether run.dir can be
// written is tried with a folder that is removed again.
RunCheck check_run(const Recipe& recipe);

}  // namespace caravan::recipes
