// What a reward model implements: scores of texts that no rule can tell. Only the interface lives here; who
// has a model implements it (trainer/rollout/reward_model_scorer).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "data/message.h"

namespace caravan::data {

struct ScoreRequest {
  std::vector<Message> prompt;
  std::string completion;
  std::string ground_truth = {};  // for scorers that compare; empty: none
};

// Any number; the larger, the better the completion.
struct ModelScore {
  double score = 0;
  std::string problem = {};  // a word, where there is no score
};

// One score for each request, in their order. Throws data::Error only for what concerns all of them.
class ModelScorer {
 public:
  virtual ~ModelScorer() = default;
  virtual std::vector<ModelScore> score(std::span<const ScoreRequest> requests) = 0;
};

}  // namespace caravan::data
