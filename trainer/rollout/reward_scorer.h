// A completion's reward: what its verifiers say, weighted, and what becomes of it where it was cut off.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/loader/prompt_set.h"
#include "data/rewards/verifier.h"
#include "trainer/rollout/reward_options.h"

namespace caravan::trainer {

class RewardScorer {
 public:
  // Makes every verifier that the prompts name. Throws data::Error (usage) for an unknown one of the options.
  RewardScorer(const RewardOptions& options, const data::PromptSet& prompts, std::int64_t max_new_tokens);

  // Adds to a row with "completion", "finish_reason" and "tokens": "verdicts", a list of {"verifier",
  // "verdict", "reason", "score"}, and "reward", null where a verifier cannot tell.
  void score(const data::Prompt& prompt, data::Json& row) const;

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
};

}  // namespace caravan::trainer
