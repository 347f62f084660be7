// From the words of a command line to one command, and from an error to one message.
#pragma once

#include <exception>
#include <span>
#include <string>
#include <string_view>

#include "recipes/commands/command.h"

namespace caravan::recipes {

// `args`: the command line without the program's name. --help and --version answer at once; a word that is no
// command throws data::Error (exit code 2) with the nearest one. Returns the command's exit code; commands of
// the engine do not return.
int dispatch(std::span<const Command> commands, std::span<const std::string> args, std::string_view version);

struct Failure {
  std::string message;
  int exit_code = 1;
};

// The whole of a main function: dispatches, makes sure that all output was written, and turns an error into
// one message on stderr and its exit code. `translate` is failure_of, or a function that knows more errors.
int run_program(std::span<const Command> commands, int argc, char** argv, std::string_view version,
                Failure (*translate)(const std::exception&));

// Tells a failure as run_program does and ends the process at once: for threads that nobody joins any more.
[[noreturn]] void end_process(const Failure& failure);

// What an error that nobody caught means for the user. Errors of rooms know their exit code; of the others,
// no memory is 71, a file system that refuses is 74, and the rest is 1.
Failure failure_of(const std::exception& error);

}  // namespace caravan::recipes
