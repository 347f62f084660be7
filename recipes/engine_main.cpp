// The part of the program that computes with tensors: see commands/engine.h. Started by caravan, not by
// people.
#include <array>

#include "models/host_arena.h"
#include "recipes/commands/by_stage.h"
#include "recipes/commands/chat.h"
#include "recipes/commands/data_decontaminate.h"
#include "recipes/commands/dispatch.h"
#include "recipes/commands/doctor_probes.h"
#include "recipes/commands/evaluate.h"
#include "recipes/commands/generate.h"
#include "recipes/commands/plan.h"
#include "recipes/commands/release.h"
#include "recipes/commands/rows_recipe.h"
#include "recipes/commands/score.h"
#include "recipes/commands/serve.h"
#include "recipes/commands/train.h"
#include "recipes/local_embedder.h"
#include "recipes/local_model.h"
#include "recipes/local_reward_model.h"
#include "recipes/torch_failure.h"

namespace {

using caravan::recipes::Command;
using caravan::recipes::Failure;

int run_synthesize_here(std::span<const std::string> args) {
  return caravan::recipes::run_synthesize_with(args, caravan::recipes::make_local_model);
}

int run_prefer_here(std::span<const std::string> args) {
  return caravan::recipes::run_prefer_with(args, caravan::recipes::make_local_model,
                                           caravan::recipes::make_reward_model);
}

// The two commands of `caravan data` that may need a model; caravan itself runs all others.
int run_data_here(std::span<const std::string> args) {
  if (!args.empty() && args[0] == "run")
    return caravan::recipes::run_data_recipe_with(args.subspan(1), caravan::recipes::make_local_embedder);
  return caravan::recipes::run_data_decontaminate_with(args.empty() ? args : args.subspan(1),
                                                       caravan::recipes::make_local_embedder);
}

// Each has its line in main.cpp too.
constexpr std::array kCommands = {
    Command{"train", "run the stage of a recipe, or go on where it stopped", caravan::recipes::run_train},
    Command{"plan", "memory, traffic, steps and learning rates of a recipe, before anything is loaded",
            caravan::recipes::run_plan},
    Command{"score", "log-probabilities of the tokens of rows on stdin", caravan::recipes::run_score},
    Command{"generate", "completions of prompts on stdin", caravan::recipes::run_generate},
    Command{"chat", "talk to a model", caravan::recipes::run_chat},
    Command{"serve", "the OpenAI API over a model, for evaluation from outside", caravan::recipes::run_serve},
    Command{"evaluate", "what a model can do: tasks, with every sample kept", caravan::recipes::run_evaluate},
    Command{"data", "rows searched by vectors of a model", run_data_here},
    Command{"release", "a finished checkpoint, tested, checked and described",
            caravan::recipes::run_release_command},
    Command{"synthesize", "new prompts and answers by models: personas, self-play, rewriting, variation",
            run_synthesize_here},
    Command{"prefer", "answers of several models, scored and made into preference pairs", run_prefer_here},
    Command{"doctor", "versions, devices, threads, memory, speed, and what is missing",
            caravan::recipes::run_engine_doctor},
};

Failure translate(const std::exception& error) {
  return caravan::recipes::torch_failure(error).value_or(caravan::recipes::failure_of(error));
}

}  // namespace

int main(int argc, char** argv) {
  caravan::models::use_host_arena();
  return caravan::recipes::run_program(kCommands, argc, argv, CARAVAN_VERSION, translate);
}
