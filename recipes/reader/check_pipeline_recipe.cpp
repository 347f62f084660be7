#include "recipes/reader/check_pipeline_recipe.h"

#include <algorithm>
#include <set>

#include "data/error.h"
#include "recipes/nearest_name.h"
#include "recipes/pipeline/gate.h"

namespace caravan::recipes {
namespace {

// The checks of one stage, which may name those before it.
class StageCheck {
 public:
  StageCheck(const PipelineStage& stage, std::size_t number, const std::vector<std::string_view>& earlier,
             ReadState& state)
      : stage_(stage), key_("stages[" + std::to_string(number) + "]."), earlier_(earlier), state_(state) {}

  void run() {
    check_name();
    check_work();
    check_gate();
  }

 private:
  void report(const std::string& key, const std::string& text) {
    if (!state_.has_failed(key_ + key)) state_.report(state_.where(key_ + key), key_ + key + ": " + text);
  }

  void check_name() {
    const bool plain = std::ranges::all_of(
        stage_.name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
    if (!plain || stage_.name == "run" || stage_.name == "previous")
      report("name", "found \"" + stage_.name +
                         "\"; allowed: lower-case letters, digits and _, and neither run nor previous");
    if (std::ranges::find(earlier_, stage_.name) != earlier_.end())
      report("name", "found \"" + stage_.name + "\", which an earlier stage has; give each its own");
  }

  void check_work() {
    if (stage_.recipe.empty() == stage_.command.empty() && !state_.has_failed(key_ + "recipe") &&
        !state_.has_failed(key_ + "command"))
      report("name", stage_.name + " needs either a recipe or a command");
    if (stage_.recipe.empty()) {
      for (const char* key : {"model", "with", "launcher", "tasks"})
        if (state_.is_given(key_ + key)) report(key, "has no effect on a command; it belongs to a recipe");
      if (stage_.ranks > 1) report("ranks", "has no effect on a command; it belongs to a recipe");
    }
    if (!stage_.model.empty()) require_earlier("model", stage_.model);
    if (stage_.ranks > 1 && !stage_.launcher.empty())
      report("ranks", "found together with launcher, which starts the ranks; keep one");
    if (!stage_.evaluate_flags.empty() && stage_.tasks.empty())
      report("evaluate_flags", "has no effect without tasks");
  }

  void require_earlier(const std::string& key, const std::string& name) {
    if (std::ranges::find(earlier_, name) != earlier_.end()) return;
    std::string text = "found \"" + name +
                       "\"; allowed: " + (key == "gate.not_worse_than" ? "previous, or " : "") +
                       "the name of an earlier stage";
    if (const auto near = nearest_name(name, earlier_)) text += "; did you mean " + std::string(*near) + "?";
    report(key, text);
  }

  void check_gate() {
    const GateOptions& gate = stage_.gate;
    const bool is_measured = !stage_.tasks.empty() || !stage_.command.empty();
    if (!gate.is_open() && !is_measured) report("gate", "has nothing to look at; name tasks for the stage");
    for (const auto& [name, least] : gate.min) check_task(name);
    if (!gate.not_worse_than.empty()) {
      try {
        const Comparison comparison = parse_comparison(gate.not_worse_than);
        if (comparison.stage != "previous") require_earlier("gate.not_worse_than", comparison.stage);
      } catch (const data::Error& error) {
        report("gate.not_worse_than", error.what());
      }
    }
    if (gate.back_to.empty()) {
      if (gate.at_most > 1) report("gate.at_most", "has no effect without gate.back_to");
      if (!gate.with.empty()) report("gate.with", "has no effect without gate.back_to");
    } else if (gate.back_to != stage_.name) {
      require_earlier("gate.back_to", gate.back_to);
    }
  }

  // The scores of a command are its own.
  void check_task(const std::string& name) {
    if (stage_.tasks.empty()) return;
    const std::string task = name.substr(0, name.find('/'));
    std::vector<std::string_view> known(stage_.tasks.begin(), stage_.tasks.end());
    // The name of one of the user's own stands in its file, which is read when the pipeline runs.
    if (std::ranges::any_of(known, [](std::string_view listed) { return listed.ends_with(".yaml"); })) return;
    if (std::ranges::find(known, task) != known.end()) return;
    std::string text = "found \"" + name + "\"; allowed: the tasks of the stage";
    if (const auto near = nearest_name(task, known)) text += "; did you mean " + std::string(*near) + "?";
    report("gate.min", text);
  }

  const PipelineStage& stage_;
  std::string key_;
  const std::vector<std::string_view>& earlier_;
  ReadState& state_;
};

}  // namespace

void check_pipeline_recipe(const PipelineRecipe& recipe, ReadState& state) {
  std::vector<std::string_view> earlier;
  for (std::size_t i = 0; i < recipe.stages.size(); ++i) {
    StageCheck(recipe.stages[i], i, earlier, state).run();
    earlier.push_back(recipe.stages[i].name);
  }
}

}  // namespace caravan::recipes
