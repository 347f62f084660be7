#include "recipes/evaluation/evaluate_models.h"

#include <filesystem>
#include <optional>

#include "data/error.h"
#include "data/walk/whole_file.h"
#include "recipes/curation/claim_folder.h"
#include "recipes/device.h"
#include "recipes/evaluation/evaluate_model.h"
#include "recipes/evaluation/task_report.h"
#include "recipes/model_folder.h"
#include "recipes/resolved_recipe.h"
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

}  // namespace

void evaluate_models(const ReadEvaluationRecipe& read, bool quiet, std::ostream& out) {
  const EvaluationRecipe& recipe = read.recipe;
  std::vector<ReadTask> tasks = read_tasks(recipe.asked.tasks, recipe.asked.overrides());
  if (!recipe.release) refuse_unseen(tasks, "set release: true for models that are to be released");
  require_models(recipe);
  const TaskSet set =
      read_task_set(std::move(tasks), recipe.asked.task_data, recipe.asked.max_items.value_or(0));
  std::optional<trainer::RunLock> lock;
  claim_folder(recipe.run.dir, "evaluate", lock);
  const trainer::StopRequest stop(true);
  trainer::replace_file(fs::path(recipe.run.dir) / "recipe.yaml", resolved_yaml(recipe));
  std::vector<ModelResults> results;
  data::Json json = data::Json::object();
  for (const EvaluatedModel& model : recipe.models) {
    const EvaluateOptions options{.model = model.path,
                                  .out = recipe.run.dir + "/" + model.name,
                                  .chat_template = model.chat_template,
                                  .dtype = dtype_name(model.dtype),
                                  .device = choose_device(recipe.run.device, ask_cuda(), "run.device"),
                                  .batch_tokens = recipe.run.batch_tokens,
                                  .batch_size = recipe.run.batch_size,
                                  .quiet = quiet};
    data::make_folder(options.out);
    results.push_back({model.name, evaluate_model(options, set)});
    json["models"][model.name] = results_json(results.back().results);
    trainer::replace_file(fs::path(recipe.run.dir) / "results.json", json.dump(1) + "\n");
    require_no_doubt(results.back().results);
  }
  out << (results.size() == 1 ? task_table(results.front().results) : model_table(results));
  out.flush();
}

}  // namespace caravan::recipes
