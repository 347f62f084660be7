#include "recipes/commands/train.h"

#include <unistd.h>

#include <cstdio>

#include "data/error.h"
#include "recipes/check_files.h"
#include "recipes/read_recipe.h"
#include "recipes/stages/training_run.h"

namespace caravan::recipes {

namespace {

constexpr const char* kUsage =
    "caravan train RECIPE.yaml [--quiet] [key=value ...]\n"
    "\n"
    "Runs the stage of the recipe in run.dir, or goes on from the newest complete checkpoint there. Ctrl-C, "
    "SIGTERM,\n"
    "SIGUSR1 and SIGHUP finish the step, save and end with code 75; the same command then goes on. A second "
    "Ctrl-C\n"
    "ends at once (130) and saves nothing; before the first step one is enough. Started by torchrun "
    "--no-python, srun, mpirun "
    "or "
    "caravan launch,\n"
    "the processes are the ranks of one run.\n"
    "  --quiet      warnings and errors only, and the model's folder on stdout; metrics.jsonl, tensorboard/ "
    "and "
    "log.txt\n"
    "               have everything all the same\n"
    "  key=value    replaces a key of the recipe: optimizer.learning_rate=1e-5 data.sources.0.take=\"500 "
    "rows\"\n"
    "Exit codes: 0 done, 2 usage or recipe, 65 data, 70 numbers diverged, 71 out of memory, 74 files or "
    "disk, 75 stopped\n"
    "and resumable, 76 another rank lost, 77 refused as unsafe.\n";

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
      throw data::Error(data::Error::Kind::kUsage,
                        "train: found \"" + arg + "\"; allowed: --quiet, --help, key=value");
    else if (path.empty())
      path = arg;
    else
      overrides.push_back(arg);
  }
  if (path.empty())
    throw data::Error(data::Error::Kind::kUsage,
                      "train: no recipe named; write for example caravan train recipes/tiny/sft.yaml");
  const trainer::RankPlace place = trainer::find_rank_place(trainer::read_environment());
  const ReadRecipe read = read_recipe(path, overrides);
  require_files(read);
  trainer::Terminal terminal(trainer::detect_terminal(STDERR_FILENO, quiet || place.rank > 0));
  for (const std::string& note : read.notes) terminal.print(note, trainer::Terminal::Tone::kDim);
  std::vector<std::string> command{"caravan", "train"};
  command.insert(command.end(), args.begin(), args.end());
  return run_training(read.recipe, terminal, place, command);
}

}  // namespace caravan::recipes
