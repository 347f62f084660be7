// What a reward model or a judge behind an endpoint implements: scores of texts that no rule can tell. Only
// the interface lives here; who has a model or a connection implements it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "data/message.h"
#include "data/rewards/verdict.h"

namespace caravan::data {

struct ScoreRequest {
  std::vector<Message> prompt;
  std::string completion;
  Json reference;  // an answer, a rubric, or null
};

// One judgement for each request, in their order. A request that cannot be scored is "unknown" with the
// reason; throws data::Error only for what concerns all of them (no model, no connection).
class ModelScorer {
 public:
  virtual ~ModelScorer() = default;
  virtual std::vector<Judgement> score(std::span<const ScoreRequest> requests) = 0;
};

}  // namespace caravan::data
