// The frozen model of a stage on preferences: asked once before training and gone, or kept beside the policy.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "recipes/recipe.h"
#include "recipes/stages/input_hashes.h"
#include "recipes/stages/stage_data.h"
#include "recipes/stages/training_model.h"
#include "trainer/distributed/rank_place.h"
#include "trainer/reference/reference_cache.h"
#include "trainer/reference/referenced_source.h"

namespace caravan::recipes {

// Weights and config of the reference, for the run card: none where it is what training starts from.
std::vector<NamedFile> reference_files(const Recipe& recipe);

struct ReferenceContext {
  trainer::ProcessGroup& group;
  const trainer::RankPlace& place;
  at::Device device;
  const TextFront& front;  // of the policy
  trainer::Log& log;
  std::function<std::map<std::string, std::string>()>
      input_hashes;                              // of all inputs by their name on the card; asked of rank 0
  std::function<void(const std::string&)> tell;  // what is going on
  std::function<bool()> must_stop;               // collective
};

class StageReference {
 public:
  // Collective. Brings the values of all rows into the cache, or loads the copy that stays. `data` must
  // outlive this. Throws the errors of the rooms: 65 where the reference is another architecture or
  // tokenizer, or the cache does not hold what the reference says on a sample.
  StageReference(const Recipe& recipe, StageData& data, const ReferenceContext& context);
  StageReference(const StageReference&) = delete;
  StageReference& operator=(const StageReference&) = delete;

  // It was stopped on request before all was there; the sources are not to be used.
  bool is_stopped() const { return stopped_; }
  trainer::BatchSource& source() { return *source_; }
  trainer::BatchSource* held_out() { return held_out_source_.get(); }

 private:
  class Work;

  bool stopped_ = false;
  std::optional<FrozenModel> model_;  // while it is asked
  std::optional<trainer::ReferencePass> pass_;
  std::unique_ptr<trainer::ReferenceValues> values_, held_out_values_;
  std::unique_ptr<trainer::BatchSource> source_, held_out_source_;
};

// Tokens of two tokenizers are not the same tokens, whatever their number. A folder without one says nothing.
// Throws trainer::Error (data) that begins with `key`.
void require_same_tokenizer(const std::string& key, const std::string& path, const TextFront& front);

}  // namespace caravan::recipes
