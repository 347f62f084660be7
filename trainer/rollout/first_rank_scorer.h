// A scorer that one rank asks for all: there is one server, one log of requests and one budget.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/rewards/model_scorer.h"
#include "trainer/distributed/process_group.h"
#include "trainer/error.h"

namespace caravan::trainer {

// The weights are those after the last step: a run may save them, and go on from there once what stands in
// the way is gone.
struct BetweenSteps : Error {
  using Error::Error;
};

class FirstRankScorer : public data::ModelScorer {
 public:
  // `scorer`: of the first rank, null on the others. `group` must outlive this.
  FirstRankScorer(ProcessGroup& group, std::unique_ptr<data::ModelScorer> scorer);

  // Collective. What the scorer throws as data::Error is thrown as BetweenSteps on all ranks.
  std::vector<data::ModelScore> score(std::span<const data::ScoreRequest> requests) override;

 private:
  std::string ask(std::span<const data::ScoreRequest> requests);

  ProcessGroup& group_;
  std::unique_ptr<data::ModelScorer> scorer_;
};

}  // namespace caravan::trainer
