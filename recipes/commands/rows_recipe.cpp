#include "recipes/commands/rows_recipe.h"

#include <cstdio>
#include <vector>

#include "data/synthesis/builtin_prompts.h"
#include "recipes/command_flags.h"
#include "recipes/commands/engine.h"
#include "recipes/commands/print_valid.h"
#include "recipes/preferences/run_preferences.h"
#include "recipes/read_recipe.h"
#include "recipes/synthesis/run_synthesis.h"

namespace caravan::recipes {
namespace {

constexpr const char* kExitCodes =
    "Stopped or killed, the same command goes on: what was asked is in run.dir/requests and is not paid for "
    "again.\n"
    "Exit codes: 0 done, 2 usage or recipe, 65 data, 70 the ledger does not balance, 74 files, disk or a "
    "server "
    "that serves\n"
    "nobody, 75 stopped or out of budget (resumable), 77 refused as unsafe.\n";

constexpr const char* kSynthesizeUsage =
    "caravan synthesize RECIPE.yaml [--quiet] [key=value ...]\n"
    "caravan synthesize --print-template NAME\n"
    "\n"
    "Makes new prompts and answers by models: from personas, by self-play, by rewriting and varying rows, "
    "and "
    "answers to\n"
    "prompts; then filters, deduplicates and mixes them. Models are OpenAI-compatible endpoints or "
    "checkpoints. "
    "Keys: caravan\n"
    "describe stage-synthesize.\n"
    "  --print-template NAME   a built-in template, to begin one of your own with; without a name that is "
    "known, "
    "their list\n"
    "  --quiet                 errors only\n";

constexpr const char* kPreferUsage =
    "caravan prefer RECIPE.yaml [--quiet] [key=value ...]\n"
    "\n"
    "Makes preference pairs: several models answer prompts, a judge, a verifier or a reward model scores the "
    "answers, a rule "
    "makes pairs of\n"
    "them (or keeps the best one, for supervised training). Keys: caravan describe stage-prefer.\n"
    "  --quiet   errors only\n";

struct RowsArgs {
  std::string recipe, template_name;
  std::vector<std::string> overrides;
  bool quiet = false, help = false;
};

RowsArgs parse(const std::string& command, const std::string& usage, std::span<const std::string> args) {
  RowsArgs parsed;
  std::vector<std::string> words;
  CommandFlags flags(command, usage + kExitCodes);
  flags.add_switch("--quiet", parsed.quiet);
  if (command == "synthesize") flags.add_text("--print-template", parsed.template_name);
  flags.add_words(words);
  if (!flags.parse(args)) {
    parsed.help = true;
    return parsed;
  }
  if (!parsed.template_name.empty()) return parsed;
  if (words.empty())
    flags.refuse("no recipe named; write for example caravan " + command + " recipes/tiny/" + command +
                 ".yaml");
  parsed.recipe = words.front();
  parsed.overrides.assign(words.begin() + 1, words.end());
  return parsed;
}

[[noreturn]] void become_engine_for(const char* command, std::span<const std::string> args) {
  std::vector<std::string> all{command};
  all.insert(all.end(), args.begin(), args.end());
  become_engine(all);
}

}  // namespace

int run_synthesize_with(std::span<const std::string> args, MakeLocalModel make_local) {
  const RowsArgs parsed = parse("synthesize", kSynthesizeUsage, args);
  if (parsed.help) return 0;
  if (!parsed.template_name.empty()) {
    std::fputs(std::string(data::builtin_prompt(parsed.template_name).text).c_str(), stdout);
    return 0;
  }
  const ReadSynthesisRecipe read = read_synthesis_recipe(parsed.recipe, parsed.overrides);
  if (make_local == nullptr && any_local(read.recipe.models)) become_engine_for("synthesize", args);
  return run_synthesis(read, parsed.quiet, make_local);
}

int run_prefer_with(std::span<const std::string> args, MakeLocalModel make_local,
                    MakeRewardModel make_reward_model) {
  const RowsArgs parsed = parse("prefer", kPreferUsage, args);
  if (parsed.help) return 0;
  const ReadPreferenceRecipe read = read_preference_recipe(parsed.recipe, parsed.overrides);
  const bool computes = any_local(read.recipe.models) || !read.recipe.reward_model.checkpoint.empty();
  if (make_local == nullptr && computes) become_engine_for("prefer", args);
  return run_preferences(read, parsed.quiet, make_local, make_reward_model);
}

int run_synthesize(std::span<const std::string> args) {
  return run_synthesize_with(args, nullptr);
}

int run_prefer(std::span<const std::string> args) {
  return run_prefer_with(args, nullptr, nullptr);
}

int validate_rows_recipe(const std::string& stage, const std::string& path,
                         std::span<const std::string> overrides, bool files, bool resolved) {
  if (stage == "synthesize") {
    const ReadSynthesisRecipe read = read_synthesis_recipe(path, overrides);
    if (files) check_synthesis_files(read);
    print_valid(read, path, resolved);
  } else {
    const ReadPreferenceRecipe read = read_preference_recipe(path, overrides);
    if (files) check_preference_files(read);
    print_valid(read, path, resolved);
  }
  return 0;
}

}  // namespace caravan::recipes
