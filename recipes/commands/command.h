// What a command of the program is: a word, one line of help, and a function.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace caravan::recipes {

struct Command {
  std::string_view word;
  std::string_view help;
  // `args`: what follows the word. Returns the exit code; throws errors that main prints (text, and
  // exit_code() where they have one).
  // Null: the command computes with tensors, and caravan_engine runs it.
  int (*run)(std::span<const std::string> args);
};

}  // namespace caravan::recipes
