#include "trainer/objectives/policy_loss_options.h"

#include <string>

#include "trainer/error.h"

namespace caravan::trainer {
namespace {

using losses::GroupSpread;
using losses::KlEstimator;
using losses::PolicyLoss;
using losses::PolicyReduction;
using losses::RatioLevel;

// What the papers say; sources in losses/README.md.
PolicySettings settings_of(PolicyMethod method) {
  PolicySettings s;
  losses::PolicyOptions& p = s.policy;
  switch (method) {
    case PolicyMethod::kGrpo:
      s.beta = 0.04;
      break;
    case PolicyMethod::kDrGrpo:
      s.reduction = PolicyReduction::kConstant;
      s.spread = GroupSpread::kNone;
      break;
    case PolicyMethod::kDapo:
      s.reduction = PolicyReduction::kTokenMean;
      p.epsilon_high = 0.28;
      break;
    case PolicyMethod::kGspo:
      p.ratio = RatioLevel::kSequence;
      p.epsilon_low = 3e-4;
      p.epsilon_high = 4e-4;
      break;
    case PolicyMethod::kCispo:
      p.loss = PolicyLoss::kCispo;
      p.epsilon_high = 5.0;
      s.reduction = PolicyReduction::kTokenMean;
      break;
    case PolicyMethod::kRloo:
      p.ratio = RatioLevel::kSequenceSum;
      s.advantage = AdvantageEstimator::kLeaveOneOut;
      s.beta = 0.05;
      s.kl_place = KlPlace::kReward;
      break;
    case PolicyMethod::kReinforcePlusPlus:
      s.reduction = PolicyReduction::kTokenMean;
      s.advantage = AdvantageEstimator::kReturns;
      s.beta = 0.01;
      s.kl_place = KlPlace::kReward;
      break;
    case PolicyMethod::kPpo:
      s.reduction = PolicyReduction::kTokenMean;
      s.advantage = AdvantageEstimator::kGae;
      s.beta = 0.05;
      s.kl_place = KlPlace::kReward;
      break;
  }
  return s;
}

[[noreturn]] void refuse(const std::string& problem) {
  throw Error(Error::Kind::kUsage, problem);
}

}  // namespace

PolicySettings PolicyLossOptions::settings() const {
  PolicySettings s = settings_of(name);
  losses::PolicyOptions& p = s.policy;
  p.loss = policy.value_or(p.loss);
  p.ratio = ratio.value_or(p.ratio);
  p.epsilon_low = epsilon_low.value_or(p.epsilon_low);
  p.epsilon_high = epsilon_high.value_or(p.epsilon_high);
  p.delta = delta;
  p.dual_clip = dual_clip;
  p.off_policy_mask_threshold = off_policy_mask_threshold;
  s.reduction = reduction.value_or(s.reduction);
  s.advantage = advantage.value_or(s.advantage);
  s.spread = spread.value_or(s.spread);
  s.kl_place = kl_place.value_or(s.kl_place);
  s.beta = beta.value_or(s.beta);
  p.kl.estimator =
      kl_estimator.value_or(s.kl_place == KlPlace::kReward ? KlEstimator::kK1 : KlEstimator::kK3);
  p.beta = s.kl_place == KlPlace::kLoss ? s.beta : 0.0;
  s.gamma = gamma;
  s.lambda = lambda;
  s.whiten_rewards = whiten_rewards;
  s.importance = importance;
  s.importance_least = importance_least;
  s.importance_most = importance_most;
  return s;
}

void PolicyLossOptions::check() const {
  const PolicySettings s = settings();
  const bool has_bound = importance_least || importance_most;
  if (dual_clip != 0.0 && dual_clip <= 1.0)
    refuse("loss.dual_clip: found " + std::to_string(dual_clip) + "; allowed is above 1, or 0 for none");
  if (importance && !has_bound)
    refuse(
        "loss.importance: has no effect without importance_least or importance_most; add importance_most: 2");
  if (!importance && has_bound)
    refuse(
        "loss.importance_most: bounds have no effect without loss.importance; add importance: "
        "token_truncate");
  if (kl_estimator && s.beta == 0.0)
    refuse("loss.kl_estimator: has no effect with beta 0; remove it, or set beta");
  if (kl_place && s.beta == 0.0) refuse("loss.kl_place: has no effect with beta 0; remove it, or set beta");
  if (spread && s.advantage != AdvantageEstimator::kGroup)
    refuse("loss.spread: has no effect on this advantage; it is of advantage: group");
}

}  // namespace caravan::trainer
