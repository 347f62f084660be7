// PPO's value model: a second model with a head of scores, trained beside the policy on the same batches by a
// second Trainer of its own.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "recipes/recipe.h"
#include "recipes/stages/input_hashes.h"
#include "recipes/stages/training_model.h"
#include "recipes/text_front.h"
#include "trainer/objectives/value.h"
#include "trainer/trainer.h"

namespace caravan::recipes {

class StageValue {
 public:
  // Reads value.path. All must outlive this. Throws models::Error, and trainer::Error where its tokenizer is
  // another one. Collective.
  StageValue(const Recipe& recipe, trainer::ProcessGroup& group, const at::Device& device,
             const TextFront& front);

  trainer::AskModel ask();
  // Its batches from here on, those of the policy. `resumes`: its state will be restored.
  void connect(trainer::BatchSource& source, bool resumes);
  // The step that the policy just made: value/loss, value/grad_norm, value/mean, ...
  std::vector<trainer::MetricValue> train_step();

  // What a checkpoint keeps, by names that begin with "value.".
  std::vector<trainer::StatePart> state();
  void state_restored(std::int64_t steps);
  // Writes it as a reward model's folder. Collective.
  void write(const std::filesystem::path& folder);

 private:
  Recipe recipe_;  // as of a reward model that is trained
  TrainingModel model_;
  trainer::SegmentedPass pass_;
  trainer::ValueObjective objective_;
  std::optional<trainer::Trainer> trainer_;
};

// What value.path names, for run.json.
std::vector<NamedFile> value_files(const Recipe& recipe);

}  // namespace caravan::recipes
