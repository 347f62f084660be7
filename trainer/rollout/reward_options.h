// The `reward` section of a recipe: from verdicts to one number for each completion.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/rewards/verifier.h"

namespace caravan::trainer {

// One more verifier that every completion is shown to.
struct RewardTermOptions {
  std::string verifier = {};
  double weight = 1.0;
  std::string ground_truth = {};
  bool operator==(const RewardTermOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("verifier", verifier, {.help = "a name that caravan verify --list knows", .required = true});
    v.field("weight", weight, {.help = "what its score is multiplied with", .min = -1000, .max = 1000});
    v.field("ground_truth", ground_truth,
            {.help = "its ground truth for every row; absent: it is one that needs none"});
  }
};

struct RewardOptions {
  double verification_reward = 1.0;
  data::Rules rules = data::Rules::kSound;
  std::string verifier = {};  // empty: the row's `dataset` names it
  std::vector<RewardTermOptions> further = {};
  std::optional<double> non_stop_penalty_value = {};
  std::int64_t overlong_cache = 0;
  bool operator==(const RewardOptions&) const = default;

  bool has_verifiers() const { return verifier != "none"; }

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("verification_reward", verification_reward,
            {.help = "what the score of the row's verifier is multiplied with", .min = 0, .max = 1000});
    v.field(
        "rules", rules,
        {.help =
             "sound: as a careful grader; open_instruct, open_instruct_tulu3: the reference's string rules"});
    v.field(
        "verifier", verifier,
        {.help = "verifier of every row; none: rows have no verifier, and a reward model or a judge scores "
                 "them; absent: the one that its dataset field names"});
    v.list("further", further, {.help = "verifiers that every completion is shown to, weighted and added"});
    v.field(
        "non_stop_penalty_value", non_stop_penalty_value,
        {.help = "reward of a completion that max_new_tokens cut off, whatever it says; absent: its own"});
    v.field("overlong_cache", overlong_cache,
            {.help = "DAPO's soft punishment: the reward falls by up to verification_reward over the last "
                     "tokens before max_new_tokens, so many of them; 0: it does not",
             .units = "tokens",
             .min = 0,
             .max = 1 << 20});
  }
};

}  // namespace caravan::trainer
