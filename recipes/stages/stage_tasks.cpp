#include "recipes/stages/stage_tasks.h"

#include <cstdio>

#include "data/error.h"
#include "models/generation/generator.h"
#include "recipes/evaluation/task_report.h"
#include "trainer/error.h"
#include "trainer/evaluation/task_evaluator.h"
#include "trainer/metrics/append_file.h"

namespace caravan::recipes {
namespace {

std::string folder_of(const Recipe& recipe, const ReadTask& read) {
  if (!recipe.evaluation.task_data.empty()) return recipe.evaluation.task_data;
  return read.folder.empty() ? "." : read.folder.string();
}

std::filesystem::path step_folder(const Recipe& recipe, std::int64_t step) {
  char name[32];
  std::snprintf(name, sizeof name, "step-%08lld", static_cast<long long>(step));
  return std::filesystem::path(recipe.run.dir) / "evaluation" / name;
}

// What an earlier launch left of this step may be of other weights.
trainer::SampleStore new_store(const std::filesystem::path& folder, const std::string& task,
                               std::int64_t step) {
  std::filesystem::remove(folder / "samples" / (task + ".jsonl.zst"));
  std::filesystem::remove(folder / "samples" / (task + ".jsonl.partial"));
  return {folder / "samples", task, {{"step", step}}};
}

}  // namespace

StageTasks::StageTasks(const Recipe& recipe) : recipe_(recipe) {
  tasks_ = read_tasks(recipe.evaluation.tasks, {});
  refuse_unseen(
      tasks_,
      "a recipe runs it while the model is being made; caravan evaluate --release runs it at the end");
  for (const ReadTask& read : tasks_)
    items_.emplace_back(read.task, folder_of(recipe, read),
                        static_cast<std::size_t>(recipe.evaluation.max_items.value_or(0)));
}

std::vector<trainer::MetricValue> StageTasks::evaluate(
    std::int64_t step, trainer::UnitShards& units, const TextFront& front, trainer::Log& log,
    const std::function<bool()>& give_up, const std::function<void(const std::string&)>& tell) const {
  const data::ItemTokens tokens(*front.tokenizer, front.chat_template ? &*front.chat_template : nullptr,
                                front.variables, today());
  const models::GenerationConfig file = models::read_generation_config(recipe_.model.path);
  trainer::TaskEvaluator evaluator(units, tokens, models::stop_ids_of(units.model().config(), file), {});
  const std::filesystem::path folder = step_folder(recipe_, step);
  std::vector<trainer::TaskResult> results;
  std::vector<trainer::MetricValue> values;
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    const std::string& name = tasks_[i].task.name;
    trainer::SampleStore store =
        units.group().is_first() ? new_store(folder, name, step) : trainer::SampleStore();
    try {
      results.push_back(
          evaluator.run(tasks_[i].task, items_[i].items(), store, [&](std::int64_t done, std::int64_t all) {
            tell("evaluating " + name + " " + std::to_string(done) + "/" + std::to_string(all));
            return give_up();
          }));
    } catch (const trainer::Error& error) {
      if (error.kind() != trainer::Error::Kind::kStopped) throw;
      return {};
    }
    if (units.group().is_first() && !results.back().doubt.empty()) log.warn(results.back().doubt);
    for (trainer::MetricValue& value : metric_values(results.back())) values.push_back(std::move(value));
  }
  if (units.group().is_first())
    trainer::replace_file(folder / "results.json", results_json(results).dump(1) + "\n");
  return values;
}

}  // namespace caravan::recipes
