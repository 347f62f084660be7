// A recipe of `stage: evaluate`: tasks asked of one model or of several.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "recipes/synthesis/model_source.h"
#include "trainer/run_options.h"

namespace caravan::recipes {

enum class EvaluationStage { kEvaluate };
constexpr std::array<std::string_view, 1> choice_names(EvaluationStage) {
  return {"evaluate"};
}

// Which tasks, and over which of their items.
struct AskedTasks {
  std::vector<std::string> tasks = {};
  std::string task_data = {};
  std::optional<std::int64_t> max_items = {};
  std::map<std::string, std::string> set = {};
  bool operator==(const AskedTasks&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("tasks", tasks,
            {.help = "names of caravan evaluate --list, or task files of one's own", .path_or_name = true});
    v.field("task_data", task_data,
            {.help = "folder where the tasks' files lie; absent: the current one, for a task file its own",
             .path = true});
    v.field("max_items", max_items,
            {.help = "at most this many items of each file of a task, the first; absent: all", .min = 1});
    v.field("set", set,
            {.help = "keys of tasks that are other here, as in {gsm8k.few_shot.count: 5}; a data file's path "
                     "starts at the current folder"});
  }
  // TASK.KEY=VALUE
  std::vector<std::string> overrides() const {
    std::vector<std::string> words;
    for (const auto& [key, value] : set) words.push_back(key + "=" + value);
    return words;
  }
};

struct EvaluatedModel {
  std::string name = {};
  std::string path = {};
  std::string chat_template = "auto";
  LocalDtype dtype = LocalDtype::kStored;
  bool operator==(const EvaluatedModel&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("name", name,
            {.help = "its column in the table and its folder in run.dir; letters, digits, _ - .",
             .required = true});
    v.field("path", path,
            {.help = "checkpoint folder in Hugging Face layout", .required = true, .path = true});
    v.field("chat_template", chat_template,
            {.help = "auto (its own), a built-in name, or a file of Jinja text", .path_or_name = true});
    v.field("dtype", dtype, {.help = "stored as it is, or converted"});
  }
};

struct EvaluationRunOptions {
  std::string dir = {};
  trainer::DeviceChoice device = trainer::DeviceChoice::kAuto;
  std::int64_t batch_tokens = 8192;
  std::int64_t batch_size = 32;
  bool operator==(const EvaluationRunOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("dir", dir,
            {.help = "results.json of all models, and a folder of each with every sample",
             .required = true,
             .output_path = true});
    v.field("device", device, {.help = "where to compute"});
    v.field("batch_tokens", batch_tokens, {.help = "tokens of a pass that scores", .min = 1, .max = 1 << 24});
    v.field("batch_size", batch_size,
            {.help = "sequences that are generated together", .min = 1, .max = 1 << 16});
  }
};

struct EvaluationRecipe {
  std::int64_t schema = 1;
  EvaluationStage stage = EvaluationStage::kEvaluate;
  std::string name;
  std::vector<EvaluatedModel> models;
  AskedTasks asked;
  bool release = false;
  EvaluationRunOptions run;
  bool operator==(const EvaluationRecipe&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("schema", schema, {.help = "version of this format", .required = true, .min = 1, .max = 1});
    v.field("stage", stage, {.help = "what to do", .required = true});
    v.field("name", name, {.help = "a name for people; absent: none"});
    v.list("models", models, {.help = "who is asked", .required = true});
    asked.visit_fields(v);
    v.field("release", release, {.help = "the models are to be released: tasks of the unseen suite may run"});
    v.section("run", run, {.help = "where to and how"});
  }
};

}  // namespace caravan::recipes
