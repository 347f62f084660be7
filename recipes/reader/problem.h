// What is wrong with a recipe, and where: collected so that all of it is reported at once.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace caravan::recipes {

// A place in the recipe file, or one override of the command line. Lines and columns count from 1; 0 is the
// file as a whole.
struct Where {
  std::string origin = {};  // the file as the user named it, or "command line: key=value"
  int line = 0;
  int column = 0;
  bool on_command_line = false;

  std::string text() const {
    if (line == 0) return origin;
    return origin + ":" + std::to_string(line) + ":" + std::to_string(column);
  }
};

struct Problem {
  Where where;
  std::string text;  // key, what was found, what is allowed, what to do
};

// Every problem of one recipe. what() has one line for each, in the order of the file, command line last.
class RecipeError : public std::runtime_error {
 public:
  explicit RecipeError(std::vector<Problem> problems);
  const std::vector<Problem>& problems() const noexcept { return problems_; }
  int exit_code() const noexcept { return 2; }

 private:
  std::vector<Problem> problems_;
};

}  // namespace caravan::recipes
