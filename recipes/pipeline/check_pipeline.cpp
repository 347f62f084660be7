#include "recipes/pipeline/check_pipeline.h"

#include <algorithm>

#include "data/error.h"
#include "recipes/evaluation/read_task.h"
#include "recipes/nearest_name.h"
#include "recipes/pipeline/stage_words.h"

namespace caravan::recipes {
namespace {

using data::Error;

// For its errors.
void read_stage(const std::string& path, const std::string& kind, const std::vector<std::string>& overrides) {
  if (kind == "data")
    read_data_recipe(path, overrides);
  else if (kind == "synthesize")
    read_synthesis_recipe(path, overrides);
  else if (kind == "prefer")
    read_preference_recipe(path, overrides);
  else if (kind == "release")
    read_release_recipe(path, overrides);
  else if (kind == "evaluate")
    throw Error(Error::Kind::kUsage,
                path +
                    ": is of stage evaluate; in a pipeline a stage asks its own model: name what is asked as "
                    "tasks of the stage that makes it, further words as evaluate_flags, and what must be "
                    "reached as its gate. To compare models side by side run caravan evaluate " +
                    path + " by hand, or as a hook: after: [{command: [caravan, evaluate, ...]}]");
  else if (kind == "stages")
    throw Error(Error::Kind::kUsage, path + ": has stages of its own; a stage is a recipe of one");
  else
    read_recipe(path, overrides);
}

class PipelineCheck {
 public:
  explicit PipelineCheck(const ReadPipelineRecipe& read) : read_(read), recipe_(read.recipe) {}

  void run() {
    for (number_ = 0; number_ < recipe_.stages.size(); ++number_) {
      const PipelineStage& stage = recipe_.stages[number_];
      const std::string kind = stage.recipe.empty() ? "" : recipe_stage(stage.recipe);
      kinds_.push_back(kind);
      check_words("command", stage.command);
      if (kind == "release") check_release(stage);
      if (!stage.recipe.empty()) check_recipe(number_, {}, "with");
      places_[stage.name] = {dir_of(number_), makes_rows(kind)};
      check_tasks(stage);
      check_words("evaluate_flags", stage.evaluate_flags);
      for (std::size_t i = 0; i < stage.after.size(); ++i)
        check_words("after[" + std::to_string(i) + "].command", stage.after[i].command);
      check_way_back(stage.gate);
    }
    if (!problems_.empty()) throw RecipeError(std::move(problems_));
  }

 private:
  std::string dir_of(std::size_t number) const {
    return recipe_.run.dir + "/" + std::to_string(number + 1) + "-" + recipe_.stages[number].name;
  }

  void report(const std::string& key, const std::string& text) {
    const std::string full = "stages[" + std::to_string(number_) + "]." + key;
    const auto given = read_.given.find(full);
    problems_.push_back({given == read_.given.end() ? read_.file : given->second, full + ": " + text});
  }

  FindStage finder() const {
    return [this](const std::string& name) {
      const auto found = places_.find(name);
      if (found == places_.end())
        throw Error(Error::Kind::kUsage, "{" + name + ". ...}: no earlier stage has this name");
      return found->second;
    };
  }

  void check_words(const std::string& key, const std::vector<std::string>& words) {
    try {
      for (const std::string& word : words) fill_in(word, recipe_.run.dir, finder());
    } catch (const Error& error) {
      report(key, error.what());
    }
  }

  // The recipe of stage `number` with what `key` of the stage at hand gives to it, which comes in as from a
  // command line that the user never typed.
  void check_recipe(std::size_t number, const std::map<std::string, std::string>& with,
                    const std::string& key) {
    const PipelineStage& stage = recipe_.stages[number];
    std::vector<std::string> overrides;
    try {
      overrides =
          stage_overrides(stage, kinds_[number], {.with = with}, dir_of(number), recipe_.run.dir, finder());
    } catch (const Error& error) {
      return report(key, error.what());
    }
    try {
      read_stage(stage.recipe, kinds_[number], overrides);
    } catch (const RecipeError& error) {
      for (Problem problem : error.problems()) {
        if (problem.where.on_command_line)
          problem.where.origin.replace(0, problem.where.origin.find(':'),
                                       "stage " + recipe_.stages[number_].name + ", " + key);
        problems_.push_back(std::move(problem));
      }
    }
  }

  // Only where everything is right without: else the same would be told twice.
  void check_way_back(const GateOptions& gate) {
    if (gate.with.empty() || !problems_.empty()) return;
    const auto target = std::ranges::find(recipe_.stages, gate.back_to, &PipelineStage::name);
    check_recipe(static_cast<std::size_t>(target - recipe_.stages.begin()), gate.with, "gate.with");
  }

  void check_release(const PipelineStage& stage) {
    if (!stage.tasks.empty())
      report("tasks",
             "a release names them in evaluation.tasks of its recipe, so that its card has the "
             "scores; remove tasks");
    if (stage.ranks > 1 || !stage.launcher.empty())
      report("ranks", "a release is one process; remove ranks and launcher");
  }

  void check_tasks(const PipelineStage& stage) {
    if (stage.tasks.empty()) return;
    if (makes_rows(kinds_.back()))
      return report("tasks", "has no effect on a stage that makes rows; it belongs to one that trains");
    std::vector<ReadTask> tasks;
    try {
      tasks = read_tasks(stage.tasks, {});
    } catch (const RecipeError& error) {
      problems_.insert(problems_.end(), error.problems().begin(), error.problems().end());
      return;
    } catch (const Error& error) {
      if (error.kind() != Error::Kind::kUsage) throw;
      return report("tasks", error.what());
    }
    if (std::ranges::find(stage.evaluate_flags, "--release") == stage.evaluate_flags.end())
      refuse_unseen(tasks, "stage " + stage.name +
                               " may ask it with evaluate_flags: [--release] where it is the last one");
    std::vector<std::string_view> known;
    for (const ReadTask& read : tasks) known.push_back(read.task.name);
    for (const auto& [name, least] : stage.gate.min) {
      const std::string task = name.substr(0, name.find('/'));
      if (std::ranges::find(known, task) != known.end()) continue;
      const auto near = nearest_name(task, known);
      report("gate.min", "found \"" + name + "\"; allowed: the tasks of the stage" +
                             (near ? "; did you mean " + std::string(*near) + "?" : ""));
    }
  }

  const ReadPipelineRecipe& read_;
  const PipelineRecipe& recipe_;
  std::size_t number_ = 0;          // of the stage that is looked at
  std::vector<std::string> kinds_;  // by stage: of its recipe; empty for a command
  std::map<std::string, StagePlace> places_;
  std::vector<Problem> problems_;
};

}  // namespace

void check_pipeline(const ReadPipelineRecipe& read) {
  PipelineCheck(read).run();
}

}  // namespace caravan::recipes
