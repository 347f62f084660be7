#include "recipes/evaluation/evaluate_models.h"

#include <filesystem>

#include "data/choice_name.h"
#include "data/error.h"
#include "data/walk/whole_file.h"
#include "recipes/device.h"
#include "recipes/evaluation/evaluate_model.h"
#include "recipes/evaluation/task_report.h"
#include "recipes/model_folder.h"
#include "recipes/resolved_recipe.h"
#include "trainer/checkpoint/run_lock.h"
#include "trainer/metrics/append_file.h"
#include "trainer/stop_request.h"

namespace caravan::recipes {
namespace {

namespace fs = std::filesystem;
using data::Error;

void require_models(const EvaluationRecipe& recipe) {
  for (const EvaluatedModel& model : recipe.models) {
    refuse_run_folder(model.path);
    std::error_code ignored;
    if (!fs::is_regular_file(fs::path(model.path) / "config.json", ignored))
      throw Error(Error::Kind::kUsage,
                  model.path + ": holds no config.json; name a checkpoint folder in Hugging Face layout");
  }
}

void claim_folder(const std::string& dir) {
  std::error_code ignored;
  const fs::path known = fs::path(dir) / "recipe.yaml";
  if (fs::exists(dir, ignored) && !fs::is_empty(dir, ignored) && recipe_stage(known) != "evaluate")
    throw Error(Error::Kind::kUnsafe,
                dir + ": holds something else than an evaluation; choose another run.dir");
  data::make_folder(dir);
}

}  // namespace

void evaluate_models(const ReadEvaluationRecipe& read, bool quiet, std::ostream& out) {
  const EvaluationRecipe& recipe = read.recipe;
  std::vector<ReadTask> tasks = read_tasks(recipe.asked.tasks, recipe.asked.overrides());
  if (!recipe.release) refuse_unseen(tasks, "set release: true for models that are to be released");
  require_models(recipe);
  const TaskSet set =
      read_task_set(std::move(tasks), recipe.asked.task_data, recipe.asked.max_items.value_or(0));
  claim_folder(recipe.run.dir);
  const trainer::RunLock lock(recipe.run.dir);
  const trainer::StopRequest stop(true);
  trainer::replace_file(fs::path(recipe.run.dir) / "recipe.yaml", resolved_yaml(recipe));
  std::vector<ModelResults> results;
  data::Json json = data::Json::object();
  for (const EvaluatedModel& model : recipe.models) {
    EvaluateOptions options{.model = model.path,
                            .out = recipe.run.dir + "/" + model.name,
                            .chat_template = model.chat_template,
                            .dtype = std::nullopt,
                            .device = choose_device(recipe.run.device, ask_cuda(), "run.device"),
                            .batch_tokens = recipe.run.batch_tokens,
                            .batch_size = recipe.run.batch_size,
                            .quiet = quiet};
    if (model.dtype != LocalDtype::kStored) options.dtype = data::choice_name(model.dtype);
    data::make_folder(options.out);
    results.push_back({model.name, evaluate_model(options, set)});
    json["models"][model.name] = results_json(results.back().results);
    trainer::replace_file(fs::path(recipe.run.dir) / "results.json", json.dump(1) + "\n");
  }
  out << (results.size() == 1 ? task_table(results.front().results) : model_table(results));
  out.flush();
}

}  // namespace caravan::recipes
