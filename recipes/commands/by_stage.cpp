#include "recipes/commands/by_stage.h"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "data/error.h"
#include "recipes/check_files.h"
#include "recipes/commands/engine.h"
#include "recipes/commands/print_valid.h"
#include "recipes/commands/rows_recipe.h"
#include "recipes/commands/validate.h"
#include "recipes/curation/data_files.h"
#include "recipes/curation/run_data_recipe.h"
#include "recipes/pipeline/check_pipeline.h"
#include "recipes/pipeline/run_pipeline.h"
#include "recipes/read_recipe.h"
#include "trainer/distributed/rank_place.h"

namespace caravan::recipes {
namespace {

constexpr const char* kUsage =
    "caravan data run RECIPE.yaml [--quiet] [key=value ...]\n"
    "\n"
    "Runs a recipe of stage: data: converts each source, then deduplicates, decontaminates and mixes all of "
    "them. Every step\n"
    "leaves its report in run.dir; stopped, the same command goes on with the step it was at, and a recipe "
    "that was changed does\n"
    "again only what the change reaches. caravan train RECIPE.yaml does the same.\n"
    "  --quiet      errors only\n"
    "Exit codes: 0 done, 2 usage or recipe, 65 data or missing files, 70 the ledger does not balance, 74 "
    "files "
    "or disk,\n"
    "75 stopped, 77 refused as unsafe.\n";

struct Words {
  std::string recipe;
  std::vector<std::string> flags, overrides;
  bool has(const std::string& flag) const { return std::ranges::find(flags, flag) != flags.end(); }
};

Words split(std::span<const std::string> args) {
  Words words;
  for (const std::string& arg : args) {
    if (arg.starts_with("-"))
      words.flags.push_back(arg);
    else if (words.recipe.empty())
      words.recipe = arg;
    else
      words.overrides.push_back(arg);
  }
  return words;
}

[[noreturn]] void refuse(const std::string& text) {
  throw data::Error(data::Error::Kind::kUsage, text);
}

void allow_flags(const Words& words, const std::string& command, const std::vector<std::string>& allowed) {
  for (const std::string& flag : words.flags) {
    if (std::ranges::find(allowed, flag) != allowed.end()) continue;
    std::string listed;
    for (const std::string& name : allowed) listed += name + ", ";
    refuse(command + ": found \"" + flag + "\"; allowed: " + listed + "--help, key=value");
  }
}

bool asks_for_help(const Words& words) {
  return words.has("--help") || words.has("-h");
}

void refuse_ranks(const std::string& command, const std::string& what) {
  const trainer::RankPlace place = trainer::find_rank_place(trainer::read_environment());
  if (place.size > 1)
    refuse(command + ": " + what + ", and this is one of " + std::to_string(place.size) +
           " ranks; start it without the launcher");
}

int run_data(const Words& words, const std::string& command, MakeEmbedder make_embedder) {
  refuse_ranks(command, "stage: data runs as one process with run.threads");
  allow_flags(words, command, {"--quiet"});
  const ReadDataRecipe read = read_data_recipe(words.recipe, words.overrides);
  if (read.recipe.decontaminate.measure == data::MeasureName::kEmbedding && make_embedder == nullptr) {
    std::vector<std::string> all{"data", "run", words.recipe};
    all.insert(all.end(), words.flags.begin(), words.flags.end());
    all.insert(all.end(), words.overrides.begin(), words.overrides.end());
    become_engine(all);
  }
  return run_data_recipe(read, words.has("--quiet"), make_embedder);
}

int run_stages(const Words& words) {
  refuse_ranks("train", "a pipeline runs as one process, and each stage with its own ranks or launcher");
  allow_flags(words, "train", {"--quiet"});
  return run_pipeline(read_pipeline_recipe(words.recipe, words.overrides), words.has("--quiet"));
}

int validate_data(const Words& words) {
  allow_flags(words, "validate", {"--resolved", "--no-files"});
  const ReadDataRecipe read = read_data_recipe(words.recipe, words.overrides);
  if (!words.has("--no-files")) check_data_files(read);
  print_valid(read, words.recipe, words.has("--resolved"));
  return 0;
}

int validate_stages(const Words& words) {
  allow_flags(words, "validate", {"--resolved", "--no-files"});
  const ReadPipelineRecipe read = read_pipeline_recipe(words.recipe, words.overrides);
  check_pipeline(read);
  print_valid(read, words.recipe, words.has("--resolved"));
  return 0;
}

// What is in tasks and checkpoints is looked at by the command itself, which knows them.
template <class Read>
int validate_models(const Words& words, const Read& read) {
  allow_flags(words, "validate", {"--resolved", "--no-files"});
  if (!words.has("--no-files")) require_files(read);
  print_valid(read, words.recipe, words.has("--resolved"));
  return 0;
}

}  // namespace

int run_data_recipe_command(std::span<const std::string> args) {
  return run_data_recipe_with(args, nullptr);
}

int run_data_recipe_with(std::span<const std::string> args, MakeEmbedder make_embedder) {
  const Words words = split(args);
  if (asks_for_help(words)) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (words.recipe.empty())
    refuse("data run: no recipe named; write for example caravan data run recipes/tiny/data.yaml");
  return run_data(words, "data run", make_embedder);
}

int run_train_by_stage(std::span<const std::string> args) {
  const Words words = split(args);
  const bool names_one = !asks_for_help(words) && !words.recipe.empty();
  const std::string stage = names_one ? recipe_stage(words.recipe) : "";
  if (stage == "data") return run_data(words, "train", nullptr);
  if (stage == "stages") return run_stages(words);
  std::vector<std::string> all{stage == "release" ? "release" : "train"};
  all.insert(all.end(), args.begin(), args.end());
  become_engine(all);
}

int run_validate_by_stage(std::span<const std::string> args) {
  const Words words = split(args);
  if (asks_for_help(words) || words.recipe.empty()) return run_validate(args);
  const std::string stage = recipe_stage(words.recipe);
  if (stage == "data") return validate_data(words);
  if (stage == "stages") return validate_stages(words);
  if (stage == "evaluate")
    return validate_models(words, read_evaluation_recipe(words.recipe, words.overrides));
  if (stage == "release") return validate_models(words, read_release_recipe(words.recipe, words.overrides));
  if (stage != "synthesize" && stage != "prefer") return run_validate(args);
  allow_flags(words, "validate", {"--resolved", "--no-files"});
  return validate_rows_recipe(stage, words.recipe, words.overrides, !words.has("--no-files"),
                              words.has("--resolved"));
}

}  // namespace caravan::recipes
