// A recipe of several stages: what is run in which order, what each result must reach, and what to do where
// it does not.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace caravan::recipes {

// A program of the user's that runs once a stage is done.
struct HookOptions {
  std::vector<std::string> command = {};
  std::int64_t timeout = 3600;
  bool operator==(const HookOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("command", command, {.help = "program and arguments; no shell", .required = true});
    v.field("timeout", timeout,
            {.help = "after which it is ended, and counts as failed",
             .units = "seconds",
             .unit_required = true,
             .min = 1,
             .max = 1e7});
  }
};

struct GateOptions {
  std::map<std::string, double> min = {};
  std::string not_worse_than = {};
  std::string back_to = {};
  std::int64_t at_most = 1;
  std::map<std::string, std::string> with = {};
  bool operator==(const GateOptions&) const = default;

  bool is_open() const { return min.empty() && not_worse_than.empty(); }

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("min", min, {.help = "the least score of each, by TASK or TASK/METRIC", .free_at_resume = true});
    v.field("not_worse_than", not_worse_than,
            {.help = "no task's score is below that of an earlier stage: previous, or a stage's name, and "
                     "how much is forgiven, as in \"previous - 0.01\", or asked for on top, as in \"sft + "
                     "0.05\"",
             .free_at_resume = true});
    v.field("back_to", back_to,
            {.help = "the stage to go back to where the gate is not passed; absent: the pipeline stops",
             .free_at_resume = true});
    v.field("at_most", at_most,
            {.help = "how often this gate goes back", .min = 1, .max = 100, .free_at_resume = true});
    v.field(
        "with", with,
        {.help = "keys that are other for the stage it goes back to, as in {optimizer.learning_rate: 1.0e-6}",
         .free_at_resume = true});
  }
};

// Exactly one of recipe and command.
struct PipelineStage {
  std::string name = {};
  std::string recipe = {};
  std::vector<std::string> command = {};
  std::string model = {};
  std::map<std::string, std::string> with = {};
  std::int64_t ranks = 1;
  std::vector<std::string> launcher = {};
  std::vector<std::string> tasks = {};
  std::vector<std::string> evaluate_flags = {};
  std::vector<HookOptions> after = {};
  GateOptions gate = {};
  bool operator==(const PipelineStage&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("name", name,
            {.help = "what others call it; lower-case letters, digits and _", .required = true});
    v.field("recipe", recipe, {.help = "recipe of one stage that it runs", .path = true});
    v.field(
        "command", command,
        {.help =
             "or any program and its arguments; no shell. What it says of its result it writes as numbers "
             "by name to CARAVAN_STAGE_DIR/scores.json"});
    v.field("model", model, {.help = "stage whose result is its model.path"});
    v.field("with", with,
            {.help = "keys of the recipe that are other here. {STAGE.model}, {STAGE.out}, {STAGE.dir} and "
                     "{run.dir} stand for what an earlier stage made"});
    v.field("ranks", ranks,
            {.help = "processes on this machine, as caravan launch starts them",
             .min = 1,
             .max = 4096,
             .free_at_resume = true});
    v.field("launcher", launcher,
            {.help = "words before caravan train, as in [srun, --nodes=4]", .free_at_resume = true});
    v.field("tasks", tasks,
            {.help = "what its model is asked when it is done: names of caravan evaluate --list, or files",
             .path_or_name = true});
    v.field("evaluate_flags", evaluate_flags,
            {.help = "further words of caravan evaluate", .free_at_resume = true});
    v.list("after", after,
           {.help = "programs that run then; one that fails stops the pipeline", .free_at_resume = true});
    v.section("gate", gate, {.help = "what the scores must be for the pipeline to go on"});
  }
};

struct PipelineRunOptions {
  std::string dir = {};
  bool operator==(const PipelineRunOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("dir", dir,
            {.help = "folder of the pipeline: pipeline.json, and a run folder of each stage",
             .required = true,
             .output_path = true});
  }
};

struct PipelineRecipe {
  std::int64_t schema = 1;
  std::string name;
  std::vector<PipelineStage> stages;
  PipelineRunOptions run;
  bool operator==(const PipelineRecipe&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("schema", schema, {.help = "version of this format", .required = true, .min = 1, .max = 1});
    v.field("name", name, {.help = "a name for people; absent: none", .free_at_resume = true});
    v.list("stages", stages, {.help = "in the order in which they run", .required = true});
    v.section("run", run, {.help = "where to"});
  }
};

}  // namespace caravan::recipes
