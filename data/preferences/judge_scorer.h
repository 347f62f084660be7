// A judge as a ModelScorer: one completion at a time, rated by itself.
//
// Promise: 0 where all ratings are the lowest there is, 1 where all are the highest, else in between by their
// mean. The same completion of the same prompt is the same request, so a log of requests asks nothing twice.
#pragma once

#include "data/preferences/judge.h"
#include "data/rewards/model_scorer.h"

namespace caravan::data {

class JudgeScorer : public ModelScorer {
 public:
  // `generator` must outlive this.
  JudgeScorer(JudgeOptions options, TextGenerator& generator);

  // Problems: judge:ASPECT:WHY. Throws as the generator.
  std::vector<ModelScore> score(std::span<const ScoreRequest> requests) override;

 private:
  JudgeOptions options_;
  TextGenerator& generator_;
};

}  // namespace caravan::data
