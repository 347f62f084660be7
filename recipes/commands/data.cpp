#include "recipes/commands/data.h"

#include <array>
#include <cstdio>
#include <vector>

#include "data/error.h"
#include "recipes/commands/by_stage.h"
#include "recipes/commands/command.h"
#include "recipes/commands/data_convert.h"
#include "recipes/commands/data_decontaminate.h"
#include "recipes/commands/data_dedup.h"
#include "recipes/commands/data_explain.h"
#include "recipes/commands/data_filter.h"
#include "recipes/commands/data_inspect.h"
#include "recipes/commands/data_mix.h"
#include "recipes/commands/data_worst.h"
#include "recipes/nearest_name.h"

namespace caravan::recipes {
namespace {

// In the order in which a data set meets them.
constexpr std::array kCommands = {
    Command{"convert", "rows of published sets to one record: id, source, messages", run_data_convert},
    Command{"filter", "drop rows that are not worth training on", run_data_filter},
    Command{"dedup", "drop rows that equal or nearly equal another", run_data_dedup},
    Command{"decontaminate", "remove rows that give away evaluation items", run_data_decontaminate},
    Command{"mix", "so many rows of each source, exactly, in one file", run_data_mix},
    Command{"run", "all of it by a recipe of stage data, step by step", run_data_recipe_command},
    Command{"explain", "what became of one row, from its file to its tokens", run_data_explain},
    Command{"worst", "the pairs that a trained model got most wrong", run_data_worst},
    Command{"inspect", "counts, lengths, turns, scripts, sources, duplicates, top prompts", run_data_inspect},
};

std::string help() {
  std::string text =
      "caravan data COMMAND IN... --out FILE ...: files of rows in, files of rows and a report out\n\n";
  for (const Command& command : kCommands) {
    text += "  " + std::string(command.word) + std::string(14 - command.word.size(), ' ') +
            std::string(command.help) + '\n';
  }
  return text + "\ncaravan data COMMAND --help tells more. Inputs are never changed.\n";
}

}  // namespace

int run_data(std::span<const std::string> args) {
  if (args.empty() || args[0] == "--help" || args[0] == "-h") {
    std::fputs(help().c_str(), stdout);
    return args.empty() ? 2 : 0;
  }
  std::vector<std::string_view> words;
  std::string listed;
  for (const Command& command : kCommands) {
    if (command.word == args[0]) return command.run(args.subspan(1));
    words.push_back(command.word);
    listed += (listed.empty() ? "" : ", ") + std::string(command.word);
  }
  std::string text = "data: no command " + args[0] + "; commands: " + listed;
  if (const auto near = nearest_name(args[0], words)) text += "; did you mean " + std::string(*near) + "?";
  throw data::Error(data::Error::Kind::kUsage, text);
}

}  // namespace caravan::recipes
