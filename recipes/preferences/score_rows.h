// Answers scored by a reward model.
#pragma once

#include <memory>
#include <vector>

#include "data/rewards/model_scorer.h"
#include "recipes/preferences/preference_recipe.h"
#include "recipes/synthesis/generation_step.h"

namespace caravan::recipes {

// Makes the scorer of a recipe's reward model; null in a program that links no LibTorch.
using MakeRewardModel = std::unique_ptr<data::ModelScorer> (*)(const RewardModelSection& section);

// Adds scores to the answers that can be used; what the model cannot score keeps its reason as `problem`.
class ScoreRows {
 public:
  ScoreRows(const PreferenceRecipe& recipe, MakeRewardModel make);
  std::vector<StepResult> work(std::vector<StepRow>& rows);

 private:
  const PreferenceRecipe& recipe_;
  std::unique_ptr<data::ModelScorer> scorer_;
};

}  // namespace caravan::recipes
