// The program: a table of commands, and the one place where an error becomes a message and an exit code.
#include <array>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "recipes/commands/demo_data.h"
#include "recipes/commands/demo_score.h"
#include "recipes/commands/describe.h"
#include "recipes/commands/dispatch.h"
#include "recipes/commands/doctor.h"
#include "recipes/commands/train.h"
#include "recipes/commands/validate.h"
#include "recipes/torch_failure.h"

namespace {

using caravan::recipes::Command;
using caravan::recipes::Failure;

// In the order in which people meet them.
constexpr std::array kCommands = {
    Command{"train", "run the stage of a recipe, or go on where it stopped", caravan::recipes::run_train},
    Command{"validate", "check a recipe: every error at once, before anything is loaded",
            caravan::recipes::run_validate},
    Command{"describe", "every key of a recipe: type, unit, default, range", caravan::recipes::run_describe},
    Command{"demo-data", "write chat data of our own, its tokenizer and a small model's config",
            caravan::recipes::run_demo_data},
    Command{"demo-score", "exact match on the held-out demo problems, before and after",
            caravan::recipes::run_demo_score},
    Command{"doctor", "versions, devices, threads, memory, speed, and what is missing",
            caravan::recipes::run_doctor},
};

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> args(argv + (argc > 0 ? 1 : 0), argv + argc);
    const int code = caravan::recipes::dispatch(kCommands, args, CARAVAN_VERSION);
    // Output that could not be written is a failure, even of a command that went well.
    if (std::fflush(stdout) != 0) {
      std::perror("caravan: stdout");
      return 74;
    }
    return code;
  } catch (const std::exception& error) {
    const Failure failure =
        caravan::recipes::torch_failure(error).value_or(caravan::recipes::failure_of(error));
    std::fprintf(stderr, "caravan: %s\n", failure.message.c_str());
    return failure.exit_code;
  }
}
