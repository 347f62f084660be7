#include "recipes/reader/check_pipeline_recipe.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "data/error.h"
#include "recipes/nearest_name.h"
#include "recipes/pipeline/gate.h"

namespace caravan::recipes {
namespace {

// The checks of one stage, which may name those before it.
class StageCheck {
 public:
  StageCheck(std::span<const PipelineStage> stages, std::size_t number, ReadState& state)
      : stage_(stages[number]),
        key_("stages[" + std::to_string(number) + "]."),
        earlier_(stages.first(number)),
        state_(state) {}

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
    if (find_earlier(stage_.name) != nullptr)
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

  const PipelineStage* find_earlier(const std::string& name) const {
    const auto found = std::ranges::find(earlier_, name, &PipelineStage::name);
    return found == earlier_.end() ? nullptr : &*found;
  }

  void require_earlier(const std::string& key, const std::string& name) {
    if (find_earlier(name) != nullptr) return;
    std::vector<std::string_view> names;
    for (const PipelineStage& stage : earlier_) names.push_back(stage.name);
    std::string text = "found \"" + name +
                       "\"; allowed: " + (key == "gate.not_worse_than" ? "previous, or " : "") +
                       "the name of an earlier stage";
    if (const auto near = nearest_name(name, names)) text += "; did you mean " + std::string(*near) + "?";
    report(key, text);
  }

  void check_gate() {
    const GateOptions& gate = stage_.gate;
    if (!gate.is_open() && !is_measured(stage_))
      report("gate", "has nothing to look at; name tasks for the stage");
    if (!gate.not_worse_than.empty()) check_comparison();
    if (gate.back_to.empty()) {
      if (gate.at_most > 1) report("gate.at_most", "has no effect without gate.back_to");
      if (!gate.with.empty()) report("gate.with", "has no effect without gate.back_to");
      return;
    }
    if (gate.back_to != stage_.name) require_earlier("gate.back_to", gate.back_to);
    const PipelineStage* target = gate.back_to == stage_.name ? &stage_ : find_earlier(gate.back_to);
    if (target != nullptr && target->recipe.empty() && !gate.with.empty())
      report("gate.with", "has no effect on " + target->name + ", a command; it belongs to a recipe");
  }

  // Whether it has scores when it is done; those of a command are its own.
  static bool is_measured(const PipelineStage& stage) {
    return !stage.tasks.empty() || !stage.command.empty();
  }

  void check_comparison() {
    try {
      const std::string name = parse_comparison(stage_.gate.not_worse_than).stage;
      if (name != "previous") require_earlier("gate.not_worse_than", name);
      const PipelineStage* named = find_earlier(name);
      if (name == "previous" ? std::ranges::none_of(earlier_, is_measured)
                             : named != nullptr && !is_measured(*named))
        report("gate.not_worse_than", "there are no scores of " + name + " to compare with; name tasks for " +
                                          (named != nullptr ? "it" : "an earlier stage"));
    } catch (const data::Error& error) {
      report("gate.not_worse_than", error.what());
    }
  }

  const PipelineStage& stage_;
  std::string key_;
  std::span<const PipelineStage> earlier_;
  ReadState& state_;
};

}  // namespace

void check_pipeline_recipe(const PipelineRecipe& recipe, ReadState& state) {
  for (std::size_t i = 0; i < recipe.stages.size(); ++i) StageCheck(recipe.stages, i, state).run();
}

}  // namespace caravan::recipes
