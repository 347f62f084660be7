// The prompts of a stage that samples, and once its model is there the rollouts that it trains on.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "data/endpoint/endpoint_generator.h"
#include "data/preferences/judge.h"
#include "recipes/recipe.h"
#include "recipes/stages/input_hashes.h"
#include "recipes/stages/stage_value.h"
#include "recipes/stages/training_model.h"
#include "recipes/text_front.h"
#include "trainer/distributed/process_group.h"
#include "trainer/metrics/log.h"
#include "trainer/reference/moving_reference.h"
#include "trainer/rollout/rollout_source.h"

namespace caravan::recipes {

class StageRollouts {
 public:
  // Reads the prompts; the first rank tells what became of the rows. All must outlive this. Throws as
  // data::PromptSet, data::Error where the judge's key or words cannot be read, and Error (data) where the
  // run would have no step.
  StageRollouts(const Recipe& recipe, const TextFront& front, trainer::Log& log,
                trainer::ProcessGroup& group);

  // Loads the reference, the reward model and the value model, where there are such. Collective.
  void connect(trainer::UnitShards& policy, const at::Device& device, bool resumes,
               trainer::RolloutEvents events);
  // Where the reference follows the policy: by its optimizer, which must outlive this.
  void follow(trainer::UnitShards& policy, const trainer::ModelOptimizer& optimizer);
  // Null where it stays as it is.
  trainer::MovingReference* moving_reference() { return moving_ ? &*moving_ : nullptr; }
  trainer::RolloutSource& source() { return *source_; }
  // Null where advantages need none.
  StageValue* value() { return value_ ? &*value_ : nullptr; }

  std::int64_t num_steps() const { return num_steps_; }
  std::int64_t num_tokens() const { return prompts_->num_tokens(); }
  // For run.json, as those of StageData.
  std::vector<NamedFile> files() const;
  nlohmann::ordered_json sizes() const;

 private:
  std::vector<trainer::WeightedScorer> make_scorers(const at::Device& device,
                                                    const trainer::RolloutEvents& events);
  void make_endpoint(const trainer::RolloutEvents& events);

  const Recipe& recipe_;
  const TextFront& front_;
  trainer::ProcessGroup& group_;
  std::optional<data::PromptSet> prompts_;
  std::int64_t num_steps_ = 0;
  std::optional<FrozenModel> frozen_;
  std::optional<trainer::SegmentedPass> frozen_pass_;
  std::optional<trainer::MovingReference> moving_;
  std::optional<StageValue> value_;
  std::optional<FrozenModel> reward_model_;
  TextFront reward_front_;
  std::optional<data::JudgeOptions> judge_;
  std::optional<data::EndpointGenerator> endpoint_;  // of the first rank
  std::vector<std::unique_ptr<data::ModelScorer>> scorers_;
  std::optional<trainer::RewardScorer> rewards_;
  std::optional<trainer::RolloutSource> source_;
};

}  // namespace caravan::recipes
