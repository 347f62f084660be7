#include "recipes/commands/plan.h"

#include <cstdio>

#include "recipes/check_files.h"
#include "recipes/command_flags.h"
#include "recipes/read_recipe.h"
#include "recipes/run_plan.h"
#include "trainer/metrics/process_memory.h"
#include "trainer/stop_request.h"

namespace caravan::recipes {
namespace {

constexpr const char* kUsage =
    "caravan plan RECIPE.yaml [--ranks N] [--device cpu|cuda] [--memory GIB] [--config FILE] "
    "[--scorer-config FILE]\n"
    "             [--no-data] [--json] [key=value ...]\n"
    "\n"
    "What a run will take and do: bytes of each rank at its peak, what it sends in a step, steps, tokens, "
    "epochs, the\n"
    "curve of learning rates. Loads no weights, and needs no device.\n"
    "  --ranks N      ranks that share the work (1)\n"
    "  --device NAME  where each rank computes (cpu, or cuda where this machine has it)\n"
    "  --memory GIB   of each rank: what takes more is refused (71), with the smallest change that would "
    "fit;\n"
    "                 left out on the CPU with one rank: what is free here\n"
    "  --config FILE  a model's config.json, instead of the one in model.path\n"
    "  --scorer-config FILE  that of value model and reward model, instead of those in value.path and "
    "reward_model.path;\n"
    "                 where there is none they are taken to be as large as the policy\n"
    "  --no-data      do not read the rows; steps are then known where run.max_steps says them\n"
    "  --json         one object for programs\n"
    "Exit codes: 0 fits, 2 recipe, 65 data, 71 does not fit.\n";

}  // namespace

int run_plan(std::span<const std::string> args) {
  std::optional<std::int64_t> ranks;
  std::optional<double> memory;
  std::optional<std::string> device;
  std::string config, scorer_config;
  bool no_data = false, json = false;
  std::vector<std::string> words;
  CommandFlags flags("plan", kUsage);
  flags.add_integer("--ranks", ranks, 1, 1 << 20);
  flags.add_number("--memory", memory, 0.001, 1e6);
  flags.add_choice("--device", device, {"cpu", "cuda"});
  flags.add_text("--config", config);
  flags.add_text("--scorer-config", scorer_config);
  flags.add_switch("--no-data", no_data);
  flags.add_switch("--json", json);
  flags.add_words(words);
  if (!flags.parse(args)) return 0;
  if (words.empty()) flags.refuse("no recipe named; write for example caravan plan recipes/tiny/sft.yaml");
  const std::vector<std::string> overrides(words.begin() + 1, words.end());
  const ReadRecipe read = read_recipe(words[0], overrides);
  PlanRequest request;
  request.config = config;
  request.scorer_config = scorer_config;
  request.ranks = ranks.value_or(1);
  request.on_host = device ? *device == "cpu" : read.recipe.run.device != trainer::DeviceChoice::kCuda;
  request.reads_data = !no_data;
  if (memory)
    request.memory_bytes = static_cast<std::uint64_t>(*memory * 1073741824.0);
  else if (request.on_host && request.ranks == 1)
    request.memory_bytes = trainer::free_host_memory(1) + trainer::read_process_memory().resident_bytes;
  if (request.reads_data) require_files(read);
  const trainer::StopRequest stop;
  for (const std::string& note : read.notes) std::fprintf(stderr, "note: %s\n", note.c_str());
  const RunPlan plan = make_run_plan(read.recipe, request);
  std::fputs((json ? to_json(plan).dump() + "\n" : describe(plan)).c_str(), stdout);
  return 0;
}

}  // namespace caravan::recipes
