#include "recipes/commands/release.h"

#include <vector>

#include "recipes/command_flags.h"
#include "recipes/release/run_release.h"

namespace caravan::recipes {
namespace {

constexpr const char* kUsage =
    "caravan release RECIPE.yaml [--quiet] [key=value ...]\n"
    "\n"
    "Makes a released model of a finished checkpoint: asks it the tasks of the recipe, those of the unseen "
    "suite among them,\n"
    "writes run.dir/final with weights, tokenizer, chat template, generation_config.json, a model card, "
    "release.json and\n"
    "SHA256SUMS, opens that folder again, and compares what it makes of a set of texts with the checkpoint, "
    "bit for bit. The\n"
    "folder is there whole or not at all, and is never replaced. The last stage of a pipeline, or by itself. "
    "Keys: caravan\n"
    "describe stage-release.\n"
    "  --quiet      errors only\n"
    "Exit codes: 0 done, 2 usage or recipe, 65 data, 70 what was written is not the checkpoint, 71 out of "
    "memory, 74 files or\n"
    "disk, 75 stopped and resumable, 77 another release is there.\n";

}  // namespace

int run_release_command(std::span<const std::string> args) {
  bool quiet = false;
  std::vector<std::string> words;
  CommandFlags flags("release", kUsage);
  flags.add_switch("--quiet", quiet);
  flags.add_words(words);
  if (!flags.parse(args)) return 0;
  if (words.empty())
    flags.refuse("no recipe named; write for example caravan release recipes/tiny/release.yaml");
  const std::vector<std::string> overrides(words.begin() + 1, words.end());
  std::vector<std::string> command{"caravan", "release"};
  command.insert(command.end(), words.begin(), words.end());
  run_release(read_release_recipe(words.front(), overrides), command, quiet);
  return 0;
}

}  // namespace caravan::recipes
