// The settings of a policy gradient in a recipe: a named method, and what is to differ from its paper.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "losses/policy_options.h"

namespace caravan::trainer {

// Methods by the names of their papers; settings() and losses/README.md say what each is made of.
enum class PolicyMethod { kGrpo, kDrGrpo, kDapo, kGspo, kCispo, kRloo, kReinforcePlusPlus, kPpo };
constexpr std::array<std::string_view, 8> choice_names(PolicyMethod) {
  return {"grpo", "dr_grpo", "dapo", "gspo", "cispo", "rloo", "reinforce_plus_plus", "ppo"};
}

// From rewards to advantages. group: against the mean of the prompt's other completions, over its spread;
// leave_one_out: against the mean of the others; returns: discounted sums of token rewards, normalised over
// the rollout; gae: against a value model.
enum class AdvantageEstimator { kGroup, kLeaveOneOut, kReturns, kGae };
constexpr std::array<std::string_view, 4> choice_names(AdvantageEstimator) {
  return {"group", "leave_one_out", "returns", "gae"};
}

// Where the divergence from the reference counts: as a term of the loss, or in the reward of each token.
enum class KlPlace { kLoss, kReward };
constexpr std::array<std::string_view, 2> choice_names(KlPlace) {
  return {"loss", "reward"};
}

// A method with everything decided.
struct PolicySettings {
  losses::PolicyOptions policy;  // its beta is 0 where the divergence counts in the reward
  losses::PolicyReduction reduction = losses::PolicyReduction::kSequenceMean;
  AdvantageEstimator advantage = AdvantageEstimator::kGroup;
  losses::GroupSpread spread = losses::GroupSpread::kUnbiased;
  double beta = 0.0;
  KlPlace kl_place = KlPlace::kLoss;
  double gamma = 1.0, lambda = 0.95;
  bool whiten_rewards = false;
  std::optional<losses::ImportanceMode> importance = {};
  std::optional<double> importance_least = {}, importance_most = {};
};

struct PolicyLossOptions {
  PolicyMethod name = PolicyMethod::kGrpo;
  std::optional<losses::PolicyLoss> policy = {};
  std::optional<losses::RatioLevel> ratio = {};
  std::optional<losses::PolicyReduction> reduction = {};
  std::optional<AdvantageEstimator> advantage = {};
  std::optional<losses::GroupSpread> spread = {};
  std::optional<double> epsilon_low = {}, epsilon_high = {};
  std::optional<double> beta = {};
  std::optional<losses::KlEstimator> kl_estimator = {};
  std::optional<KlPlace> kl_place = {};
  double delta = 0.0;
  double dual_clip = 0.0;
  std::optional<double> off_policy_mask_threshold = {};
  std::optional<losses::ImportanceMode> importance = {};
  std::optional<double> importance_least = {}, importance_most = {};
  double gamma = 1.0;
  double lambda = 0.95;
  bool whiten_rewards = false;
  bool operator==(const PolicyLossOptions&) const = default;

  PolicySettings settings() const;
  bool needs_reference() const { return settings().beta > 0.0; }
  // Throws Error(kUsage) naming the setting that cannot be honoured.
  void check() const;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field(
        "name", name,
        {.help = "the method; what its paper says is the default of the keys below, where they are absent: "
                 "losses/README.md has the table"});
    v.field("policy", policy, {.help = "loss of a token; absent: the method's"});
    v.field("ratio", ratio, {.help = "over what policy / old is taken; absent: the method's"});
    v.field("reduction", reduction, {.help = "how token losses become one number; absent: the method's"});
    v.field("advantage", advantage, {.help = "from rewards to advantages; absent: the method's"});
    v.field("spread", spread,
            {.help = "what centred rewards of a group are divided by; absent: the method's"});
    v.field("epsilon_low", epsilon_low,
            {.help = "how far below 1 the ratio counts; absent: the method's", .min = 0, .max = 1});
    v.field("epsilon_high", epsilon_high,
            {.help = "how far above 1 the ratio counts; of cispo the cap itself; absent: the method's",
             .min = 0,
             .max = 1000});
    v.field("beta", beta,
            {.help = "weight of the divergence from the reference; 0: no reference is needed; absent: the "
                     "method's",
             .min = 0,
             .max = 1000});
    v.field("kl_estimator", kl_estimator, {.help = "estimate of the divergence; absent: the method's"});
    v.field("kl_place", kl_place, {.help = "where the divergence counts; absent: the method's"});
    v.field("delta", delta,
            {.help = "the unclipped ratio is held below it; 0: it is not", .min = 0, .max = 1000});
    v.field(
        "dual_clip", dual_clip,
        {.help = "above 1: where the advantage is negative, the loss is not above it times the advantage; "
                 "0: off",
         .min = 0,
         .max = 1000});
    v.field(
        "off_policy_mask_threshold", off_policy_mask_threshold,
        {.help = "completions with a negative advantage whose mean of sampling - policy is above it teach "
                 "nothing; absent: off",
         .min = 0});
    v.field("importance", importance,
            {.help = "correction for a sampler whose probabilities are not the trainer's; absent: none"});
    v.field("importance_least", importance_least,
            {.help = "lower bound of the correction; absent: none", .min = 0, .max = 1});
    v.field("importance_most", importance_most,
            {.help = "upper bound of the correction; absent: none", .min = 1, .max = 1000});
    v.field("gamma", gamma, {.help = "discount of later rewards, of returns and gae", .min = 0, .max = 1});
    v.field("lambda", lambda, {.help = "of gae: 1 trusts rewards, 0 the value model", .min = 0, .max = 1});
    v.field("whiten_rewards", whiten_rewards,
            {.help = "token rewards are divided by their spread before gae"});
  }
};

}  // namespace caravan::trainer
