#include "recipes/evaluation/check_task.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "data/choice_name.h"
#include "data/error.h"
#include "data/evaluation/task_template.h"
#include "data/message.h"
#include "data/rewards/verifier_table.h"

namespace caravan::recipes {
namespace {

using data::TaskKind;

bool is_plain_name(const std::string& name) {
  return !name.empty() && name.size() <= 100 && std::ranges::all_of(name, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
  });
}

class TaskCheck {
 public:
  TaskCheck(const data::TaskOptions& task, ReadState& state) : task_(task), state_(state) {}

  void run() {
    check_names();
    check_kind();
    check_few_shot();
    check_templates();
    check_verifiers();
  }

 private:
  void report(const std::string& key, const std::string& text) {
    state_.report(state_.where(key), key + text);
  }
  void need(const std::string& key, bool is_given) {
    if (!is_given && !state_.has_failed(key))
      report(key, " is missing; a task of kind " + data::choice_name(task_.kind) + " needs it");
  }
  // A default that is written out says nothing and does no harm.
  void without_effect(const std::string& key, bool is_default) {
    if (!is_default && state_.is_given(key))
      report(key, " has no effect on a task of kind " + data::choice_name(task_.kind) + "; remove it");
  }

  // Names of tasks and metrics become file names and names of metrics.
  void check_names() {
    if (!is_plain_name(task_.name) && state_.is_given("name"))
      report("name", ": found \"" + task_.name + "\"; allowed: letters, digits, _ and -");
    if (std::ranges::count(task_.data, '*') > 1 || std::ranges::count(task_.few_shot.data, '*') > 1)
      report("data", " may hold one *; what it matches is the part of the task");
  }

  void check_kind() {
    const bool chooses = task_.kind == TaskKind::kMultipleChoice;
    const bool writes = task_.kind == TaskKind::kGeneration;
    if (chooses) {
      need("choices", !task_.choices.empty());
      need("answer", !task_.answer.empty());
    }
    if (writes) need("verifiers", !task_.verifiers.empty());
    // As the sampler has it: below, scores over it are no floats any more.
    const double temperature = task_.generation.temperature;
    if (temperature > 0.0 && temperature < 1e-5)
      report("generation.temperature",
             ": found " + data::Json(temperature).dump() + "; allowed: 0 (greedy), or 1e-5 to 1e6");
    without_effect("choices", chooses || task_.choices.empty());
    without_effect("labels", chooses || task_.labels.empty());
    without_effect("verifiers", writes || task_.verifiers.empty());
    without_effect("ground_truth", writes || task_.ground_truth.empty());
    without_effect("generation", writes || task_.generation == data::TaskGeneration());
    if (chooses || writes) return;
    const data::TaskOptions usual;
    without_effect("chat", !task_.chat);
    without_effect("few_shot", task_.few_shot == usual.few_shot);
    without_effect("description", task_.description.empty());
    without_effect("delimiter", task_.delimiter == usual.delimiter);
    without_effect("answer", task_.answer.empty());
  }

  void check_few_shot() {
    const data::FewShotOptions& shots = task_.few_shot;
    if (!shots.examples.empty() && !shots.data.empty())
      report("few_shot.data", " has no effect beside few_shot.examples; keep one");
    if (shots.count == 0) return;
    if (shots.examples.empty() && shots.data.empty())
      report("few_shot.data",
             " is missing: where the examples come from; or write them in few_shot.examples");
    if (!shots.examples.empty() && static_cast<std::int64_t>(shots.examples.size()) < shots.count)
      report("few_shot.count", ": found " + std::to_string(shots.count) + "; few_shot.examples has " +
                                   std::to_string(shots.examples.size()));
    if (!shots.data.empty() && task_.answer.empty())
      report("answer", " is missing: what an example's answer is");
  }

  void check_templates() {
    const std::pair<const char*, const std::string&> texts[] = {
        {"description", task_.description}, {"prompt", task_.prompt}, {"choices", task_.choices},
        {"labels", task_.labels},           {"answer", task_.answer}, {"ground_truth", task_.ground_truth}};
    for (const auto& [key, text] : texts) {
      try {
        data::TaskTemplate parsed(text, key);
      } catch (const data::Error& error) {
        state_.report(state_.where(key), error.what());
      }
    }
  }

  void check_verifiers() {
    for (std::size_t i = 0; i < task_.verifiers.size(); ++i) {
      const std::string key = "verifiers[" + std::to_string(i) + "]";
      const data::TaskVerifier& verifier = task_.verifiers[i];
      if (!is_plain_name(verifier.metric))
        report(key + ".metric", ": found \"" + verifier.metric + "\"; allowed: letters, digits, _ and -");
      if (verifier.metric == "unknown")
        report(key + ".metric",
               ": unknown is the share of answers that nobody could tell; name it otherwise");
      for (std::size_t j = 0; j < i; ++j)
        if (task_.verifiers[j].metric == verifier.metric)
          report(key + ".metric",
                 ": " + verifier.metric + " is the metric of another verifier; name each once");
      try {
        if (!state_.has_failed(key + ".name")) data::make_verifier(verifier.name);
      } catch (const data::Error& error) {
        report(key + ".name", std::string(": ") + error.what());
      }
    }
  }

  const data::TaskOptions& task_;
  ReadState& state_;
};

}  // namespace

void check_task(const data::TaskOptions& task, ReadState& state) {
  TaskCheck(task, state).run();
}

}  // namespace caravan::recipes
