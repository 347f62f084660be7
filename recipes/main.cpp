// The program: a table of its commands.
#include <array>

#include "recipes/commands/by_stage.h"
#include "recipes/commands/data.h"
#include "recipes/commands/demo_data.h"
#include "recipes/commands/demo_score.h"
#include "recipes/commands/describe.h"
#include "recipes/commands/dispatch.h"
#include "recipes/commands/launch.h"
#include "recipes/commands/render.h"
#include "recipes/commands/report.h"
#include "recipes/commands/rows_recipe.h"
#include "recipes/commands/tokenize.h"
#include "recipes/commands/verify.h"

namespace {

using caravan::recipes::Command;

// In the order in which people meet them. Commands without a function are those of engine_main.cpp.
constexpr std::array kCommands = {
    Command{"train", "run the stage of a recipe, or go on where it stopped",
            caravan::recipes::run_train_by_stage},
    Command{"launch", "run a command as several ranks on this machine", caravan::recipes::run_launch},
    Command{"validate", "check a recipe: every error at once, before anything is loaded",
            caravan::recipes::run_validate_by_stage},
    Command{"plan", "memory, traffic, steps and learning rates of a recipe, before anything is loaded",
            nullptr},
    Command{"describe", "every key of a recipe: type, unit, default, range", caravan::recipes::run_describe},
    Command{"tokenize", "text or conversations on stdin to token ids, or back",
            caravan::recipes::run_tokenize},
    Command{"render", "conversations on stdin through a chat template to text and spans",
            caravan::recipes::run_render},
    Command{"score", "log-probabilities of the tokens of rows on stdin", nullptr},
    Command{"generate", "completions of prompts on stdin", nullptr},
    Command{"chat", "talk to a model", nullptr},
    Command{"serve", "the OpenAI API over a model, for evaluation from outside", nullptr},
    Command{"evaluate", "what a model can do: tasks, with every sample kept", nullptr},
    Command{"release", "a finished checkpoint, tested, checked and described", nullptr},
    Command{"report", "a run or a pipeline as one page: curves, data, scores, samples",
            caravan::recipes::run_report},
    Command{"verify", "verdicts on completions on stdin, against their ground truth",
            caravan::recipes::run_verify},
    Command{"data", "convert and curate files of rows, with the fate of every row",
            caravan::recipes::run_data},
    Command{"synthesize", "new prompts and answers by models: personas, self-play, rewriting, variation",
            caravan::recipes::run_synthesize},
    Command{"prefer", "answers of several models, scored and made into preference pairs",
            caravan::recipes::run_prefer},
    Command{"demo-data", "write chat data of our own, its tokenizer and a small model's config",
            caravan::recipes::run_demo_data},
    Command{"demo-score", "exact match on the held-out demo problems, before and after",
            caravan::recipes::run_demo_score},
    Command{"doctor", "versions, devices, threads, memory, speed, and what is missing", nullptr},
};

}  // namespace

int main(int argc, char** argv) {
  return caravan::recipes::run_program(kCommands, argc, argv, CARAVAN_VERSION, caravan::recipes::failure_of);
}
