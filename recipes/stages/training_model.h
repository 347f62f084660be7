// The model of a training stage: its weights, and what this rank holds of them.
#pragma once

#include <filesystem>
#include <memory>

#include "recipes/recipe.h"
#include "trainer/distributed/rank_place.h"
#include "trainer/distributed/unit_shards.h"
#include "trainer/memory_plan.h"

namespace caravan::recipes {

class TrainingModel {
 public:
  // Reads the recipe's checkpoint, or makes its random weights, unit by unit: no rank holds more than its
  // part and one unit. `vocab_needed`: ids of the tokenizer. `group` must outlive this. Throws models::Error
  // and trainer::Error.
  TrainingModel(const Recipe& recipe, trainer::ProcessGroup& group, const at::Device& device,
                std::int64_t vocab_needed);

  models::Llama& model() { return *model_; }
  trainer::UnitShards& units() { return *units_; }

 private:
  std::unique_ptr<models::Llama> model_;
  std::unique_ptr<trainer::UnitShards> units_;
};

// A config.json as the stage trains it: with a head of scores for a reward model, of tokens else.
// Throws trainer::Error (65) where a language model is needed and a reward model there.
models::LlamaConfig config_of_stage(const Recipe& recipe, const std::string& file);

// A model beside it that stays as it is: what losses on preferences compare with.
class FrozenModel {
 public:
  // Reads the checkpoint of reference.path, or what training starts from, as TrainingModel does; sharded like
  // it at stage 3, else whole on each rank. Throws models::Error, and trainer::Error where it is another
  // architecture than the recipe's model.
  FrozenModel(const Recipe& recipe, trainer::ProcessGroup& group, const at::Device& device);

  // A reward model's checkpoint, of any architecture. Throws trainer::Error (65) for a language model.
  FrozenModel(const std::string& reward_model, const Recipe& recipe, trainer::ProcessGroup& group,
              const at::Device& device);

  trainer::UnitShards& units() { return *units_; }

 private:
  void load(const std::string& path, models::Init init, const models::LlamaConfig& config,
            const Recipe& recipe, trainer::ProcessGroup& group, const at::Device& device);

  std::unique_ptr<models::Llama> model_;
  std::unique_ptr<trainer::UnitShards> units_;
};

// What a run of `ranks` asks of memory, on a model of this config. `scorer_config`: the file of value model
// and reward model, instead of those in their folders. Throws trainer::Error (usage) where neither is there.
trainer::MemoryInputs memory_inputs(const Recipe& recipe, const models::LlamaConfig& config,
                                    std::int64_t ranks, bool on_host, const std::string& scorer_config = {});

// Throws trainer::Error (71) where the run would take more memory than is free, before any of it is taken.
void require_memory_for(const Recipe& recipe, const trainer::RankPlace& place, const at::Device& device);

// Writes the Hugging Face directory of the result, replacing one of ours: tensor by tensor, by the first
// rank. Collective. Throws models::Error.
void export_model(const Recipe& recipe, trainer::UnitShards& units, const std::filesystem::path& directory);

}  // namespace caravan::recipes
