#include "recipes/commands/train.h"

#include <unistd.h>

#include <cstdio>

#include "data/error.h"
#include "recipes/check_files.h"
#include "recipes/read_recipe.h"
#include "recipes/stages/sft.h"

namespace caravan::recipes {

namespace {

constexpr const char* kUsage =
    "caravan train RECIPE.yaml [--quiet] [key=value ...]\n"
    "\n"
    "Runs the stage of the recipe in run.dir, or goes on from the newest complete checkpoint there. SIGTERM, "
    "SIGINT and SIGUSR1 finish the\n"
    "step, save and end with code 75; the same command then goes on.\n"
    "Exit codes: 0 done, 2 recipe, 65 data, 70 numbers diverged, 71 out of memory, 74 disk, 75 stopped and "
    "resumable, 77 refused.\n";

}  // namespace

int run_train(std::span<const std::string> args) {
  std::string path;
  std::vector<std::string> overrides;
  bool quiet = false;
  for (const std::string& arg : args) {
    if (arg == "--help" || arg == "-h") {
      std::fputs(kUsage, stdout);
      return 0;
    }
    if (arg == "--quiet")
      quiet = true;
    else if (arg.starts_with("--"))
      throw data::Error(data::Error::Kind::kUsage, "train: unknown option " + arg + "\n" + kUsage);
    else if (path.empty())
      path = arg;
    else
      overrides.push_back(arg);
  }
  if (path.empty())
    throw data::Error(data::Error::Kind::kUsage, std::string("train: no recipe named\n") + kUsage);
  const ReadRecipe read = read_recipe(path, overrides);
  require_files(read);
  trainer::Terminal terminal(trainer::detect_terminal(STDERR_FILENO, quiet));
  for (const std::string& note : read.notes) terminal.print(note, trainer::Terminal::Tone::kDim);
  std::vector<std::string> command{"caravan", "train"};
  command.insert(command.end(), args.begin(), args.end());
  return run_sft(read.recipe, terminal, command);
}

}  // namespace caravan::recipes
