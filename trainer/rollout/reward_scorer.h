// A completion's reward: what its verifiers and scorers say, weighted, and what becomes of it where it was
// cut off. Verifiers are asked about each completion as it comes, scorers about many together.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/loader/prompt_set.h"
#include "data/rewards/model_scorer.h"
#include "data/rewards/verifier.h"
#include "trainer/rollout/reward_options.h"

namespace caravan::trainer {

// A model that scores completions: the reward model, the judge.
struct WeightedScorer {
  std::string name;
  double weight = 1.0;
  data::ModelScorer* scorer = nullptr;
};

class RewardScorer {
 public:
  // Makes every verifier that the prompts name. `scorers` outlive this. Throws data::Error (usage) for an
  // unknown verifier of the options.
  RewardScorer(const RewardOptions& options, const data::PromptSet& prompts, std::int64_t max_new_tokens,
               std::vector<WeightedScorer> scorers = {});

  // Adds to a row with "completion", "finish_reason" and "tokens": "verdicts", a list of {"verifier",
  // "verdict", "reason", "score"}, and "reward", null where a verifier cannot tell.
  void score(const data::Prompt& prompt, data::Json& row) const;

  // Whether the row's reward is not settled before scorers were asked. No scorer is asked about a completion
  // whose reward is unknown or that of cut ones.
  bool wants_scores(const data::Json& row) const;
  // For each such row what is new in it: "scores", a list of {"scorer", "score", "reason"}, and "reward",
  // null where a scorer cannot tell. Collective. Throws as the scorers.
  std::vector<data::Json> score_together(const std::vector<const data::Json*>& rows,
                                         const std::vector<data::ScoreRequest>& requests) const;

 private:
  struct Term {
    std::string name;
    const data::Verifier* verifier;
    double weight;
    data::Json truth;
  };
  const data::Verifier& verifier(const std::string& name);

  RewardOptions options_;
  std::int64_t max_new_tokens_;
  std::map<std::string, std::unique_ptr<data::Verifier>> verifiers_;
  std::vector<Term> further_;
  std::vector<WeightedScorer> scorers_;
};

}  // namespace caravan::trainer
