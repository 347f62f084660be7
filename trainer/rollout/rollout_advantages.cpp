#include "trainer/rollout/rollout_advantages.h"

#include <ATen/ATen.h>

#include <cmath>

#include "losses/advantages.h"
#include "losses/kl.h"
#include "losses/sequence_sums.h"

namespace caravan::trainer {
namespace {

using at::Tensor;

// As open-instruct and Tülu 3; TRL adds 1e-4.
constexpr double kSpreadEpsilon = 1e-8;

Tensor scores_of(const std::vector<Trajectory>& trajectories) {
  std::vector<double> rewards;
  for (const Trajectory& one : trajectories) rewards.push_back(one.reward);
  return at::tensor(rewards, at::kDouble);
}

// The tokens of some completions, one after the other.
struct TokenRun {
  std::vector<Trajectory*> of;
  Tensor tokens_B;

  explicit TokenRun(std::vector<Trajectory*> trajectories) : of(std::move(trajectories)) {
    std::vector<std::int64_t> tokens;
    for (const Trajectory* one : of) tokens.push_back(std::ssize(one->ids));
    tokens_B = at::tensor(tokens, at::kLong);
  }
  Tensor gather(std::vector<float> Trajectory::*member) const {
    std::vector<double> all;
    for (const Trajectory* one : of) all.insert(all.end(), (one->*member).begin(), (one->*member).end());
    return at::tensor(all, at::kDouble);
  }
  void scatter(const Tensor& values_T, std::vector<float> Trajectory::*member) const {
    const Tensor values = values_T.to(at::kFloat).contiguous();
    const float* next = values.data_ptr<float>();
    for (Trajectory* one : of) {
      (one->*member).assign(next, next + one->ids.size());
      next += one->ids.size();
    }
  }
  Tensor divergence(const PolicySettings& settings) const {
    return losses::kl_estimate(gather(&Trajectory::old_log_probs), gather(&Trajectory::reference_log_probs),
                               {}, settings.policy.kl);
  }
};

bool punishes_divergence(const PolicySettings& settings) {
  return settings.beta > 0.0 && settings.kl_place == KlPlace::kReward;
}

// One number for each completion, the same for all of its tokens.
void set_by_completion(std::vector<Trajectory>& trajectories, std::int64_t group_size,
                       const PolicySettings& settings) {
  std::vector<Trajectory*> all;
  for (Trajectory& one : trajectories) all.push_back(&one);
  const TokenRun run(std::move(all));
  Tensor scores_B = scores_of(trajectories);
  if (punishes_divergence(settings))
    scores_B = scores_B - settings.beta * losses::sequence_sums(run.divergence(settings), run.tokens_B);
  const Tensor advantages_B =
      settings.advantage == AdvantageEstimator::kLeaveOneOut
          ? losses::leave_one_out(scores_B, group_size)
          : losses::group_advantages(scores_B, group_size, settings.spread, kSpreadEpsilon);
  run.scatter(losses::spread_to_tokens(advantages_B, run.tokens_B, run.tokens_B.sum().item<std::int64_t>()),
              &Trajectory::advantages);
}

// A number for each token. Who could not be judged is no part of it.
void set_by_token(std::vector<Trajectory>& trajectories, const PolicySettings& settings) {
  std::vector<Trajectory*> known;
  std::vector<double> rewards;
  for (Trajectory& one : trajectories) {
    one.advantages.assign(one.ids.size(), 0.f);
    if (settings.advantage == AdvantageEstimator::kGae) one.returns = one.old_values;
    if (std::isnan(one.reward)) continue;
    known.push_back(&one);
    rewards.push_back(one.reward);
  }
  if (known.empty()) return;
  const TokenRun run(std::move(known));
  const Tensor kl_T = punishes_divergence(settings)
                          ? run.divergence(settings)
                          : at::zeros({run.tokens_B.sum().item<std::int64_t>()}, at::kDouble);
  Tensor rewards_T =
      losses::token_rewards(kl_T, at::tensor(rewards, at::kDouble), run.tokens_B, settings.beta);
  if (settings.advantage == AdvantageEstimator::kReturns) {
    run.scatter(losses::normalize_tokens(losses::returns_to_go(rewards_T, run.tokens_B, settings.gamma)),
                &Trajectory::advantages);
    return;
  }
  if (settings.whiten_rewards) rewards_T = losses::whiten(rewards_T, false);
  const losses::TokenAdvantages found = losses::gae(rewards_T, run.gather(&Trajectory::old_values),
                                                    run.tokens_B, settings.gamma, settings.lambda);
  run.scatter(losses::whiten(found.advantages_T), &Trajectory::advantages);
  run.scatter(found.returns_T, &Trajectory::returns);
}

}  // namespace

void set_advantages(std::vector<Trajectory>& trajectories, std::int64_t group_size,
                    const PolicySettings& settings) {
  switch (settings.advantage) {
    case AdvantageEstimator::kGroup:
    case AdvantageEstimator::kLeaveOneOut:
      set_by_completion(trajectories, group_size, settings);
      break;
    case AdvantageEstimator::kReturns:
    case AdvantageEstimator::kGae:
      set_by_token(trajectories, settings);
      break;
  }
}

std::vector<bool> groups_that_vary(const std::vector<Trajectory>& trajectories, std::int64_t group_size) {
  return losses::groups_that_vary(scores_of(trajectories), group_size);
}

}  // namespace caravan::trainer
