#include "losses/advantages.h"

#include <ATen/ATen.h>

#include <cmath>
#include <optional>

#include "losses/sequence_sums.h"

namespace caravan::losses {

namespace {

using at::Tensor;

// On the host in fp64, whatever came in: these are a few numbers per token, each depending on the next.
std::vector<double> doubles(const Tensor& x) {
  const Tensor flat = x.to(at::kCPU, at::kDouble).contiguous();
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}
std::vector<std::int64_t> counts(const Tensor& tokens_B) {
  const Tensor flat = tokens_B.to(at::kCPU, at::kLong).contiguous();
  return {flat.data_ptr<std::int64_t>(), flat.data_ptr<std::int64_t>() + flat.numel()};
}
Tensor like(const Tensor& x, const std::vector<double>& values) {
  return at::tensor(values, at::kDouble).to(x.options());
}

// Of all values, in an order that does not depend on threads.
Tensor total(const Tensor& x) {
  const Tensor flat = x.reshape(-1);
  return sequence_sums(flat, at::tensor({flat.numel()}, flat.options().dtype(at::kLong))).squeeze(0);
}
Tensor mean_of(const Tensor& x) {
  return total(x) / static_cast<double>(x.numel());
}

// Rewards as groups [N, G], with what is known as 1 and the rest as 0.
struct Groups {
  Tensor rewards_NG, known_NG, size_N1, mean_N1;

  Groups(const Tensor& rewards_B, std::int64_t group_size) {
    TORCH_CHECK_VALUE(group_size > 0 && rewards_B.numel() % group_size == 0, "group_size: ", group_size,
                      " does not divide ", rewards_B.numel(), " rewards");
    const Tensor groups = rewards_B.reshape({-1, group_size});
    known_NG = groups.isnan().logical_not().to(groups.scalar_type());
    rewards_NG = groups.nan_to_num(0.0);
    size_N1 = known_NG.sum(1, true);
    mean_N1 = rewards_NG.sum(1, true) / size_N1.clamp_min(1.0);
  }
  Tensor centred() const { return (rewards_NG - mean_N1) * known_NG; }
  Tensor spread(double less) const {
    return (centred().square().sum(1, true) / (size_N1 - less).clamp_min(1.0)).sqrt();
  }
};

}  // namespace

TokenAdvantages gae(const Tensor& rewards_T, const Tensor& values_T, const Tensor& tokens_B, double gamma,
                    double lambda, const Tensor& last_values_B) {
  const std::vector<double> rewards = doubles(rewards_T), values = doubles(values_T);
  const std::vector<double> last = last_values_B.defined() ? doubles(last_values_B) : std::vector<double>();
  std::vector<double> advantages(rewards.size());
  std::size_t end = 0, completion = 0;
  for (const std::int64_t tokens : counts(tokens_B)) {
    const std::size_t begin = end;
    end += static_cast<std::size_t>(tokens);
    double next_value = last.empty() ? 0.0 : last.at(completion), next_advantage = 0.0;
    for (std::size_t t = end; t-- > begin;) {
      const double surprise = rewards.at(t) + gamma * next_value - values.at(t);
      advantages[t] = next_advantage = surprise + gamma * lambda * next_advantage;
      next_value = values[t];
    }
    ++completion;
  }
  const Tensor advantages_T = like(rewards_T, advantages);
  return {advantages_T, advantages_T + values_T};
}

Tensor token_rewards(const Tensor& kl_T, const Tensor& scores_B, const Tensor& tokens_B, double kl_weight) {
  std::vector<double> rewards = doubles(-kl_weight * kl_T);
  const std::vector<double> scores = doubles(scores_B);
  std::size_t end = 0, completion = 0;
  for (const std::int64_t tokens : counts(tokens_B)) {
    end += static_cast<std::size_t>(tokens);
    if (tokens > 0) rewards.at(end - 1) += scores.at(completion);
    ++completion;
  }
  return like(kl_T, rewards);
}

Tensor returns_to_go(const Tensor& rewards_T, const Tensor& tokens_B, double gamma) {
  return gae(rewards_T, at::zeros_like(rewards_T), tokens_B, gamma, 1.0).advantages_T;
}

Tensor whiten(const Tensor& values, bool shift_mean, double epsilon) {
  const Tensor mean = mean_of(values), centred = values - mean;
  const double less = static_cast<double>(std::max<std::int64_t>(values.numel() - 1, 1));
  const Tensor white = centred * (total(centred.square()) / less + epsilon).rsqrt();
  return shift_mean ? white : white + mean;
}

Tensor normalize_tokens(const Tensor& values_T, double floor) {
  const Tensor centred = values_T - mean_of(values_T);
  return centred * mean_of(centred.square()).clamp_min(floor).rsqrt();
}

Tensor group_advantages(const Tensor& rewards_B, std::int64_t group_size, GroupSpread spread,
                        double epsilon) {
  const Groups groups(rewards_B, group_size);
  const Tensor centred = groups.centred();
  switch (spread) {
    case GroupSpread::kNone:
      return centred.reshape(-1);
    case GroupSpread::kBatch:
      return (centred / (Groups(rewards_B, rewards_B.numel()).spread(1.0) + epsilon)).reshape(-1);
    case GroupSpread::kUnbiased:
      return (centred / (groups.spread(1.0) + epsilon)).reshape(-1);
    case GroupSpread::kPopulation:
      break;
  }
  return (centred / (groups.spread(0.0) + epsilon)).reshape(-1);
}

Tensor leave_one_out(const Tensor& rewards_B, std::int64_t group_size) {
  TORCH_CHECK_VALUE(group_size >= 2, "group_size: found ", group_size,
                    ", leaving one out needs at least 2 completions of a prompt");
  const Groups groups(rewards_B, group_size);
  // r - (sum - r) / (n - 1) = (r - mean) n / (n - 1); one alone has nobody to be compared with.
  const Tensor n = groups.size_N1;
  return (groups.centred() * n / (n - 1.0).clamp_min(1.0)).reshape(-1);
}

Tensor normalize_batch(const Tensor& advantages_B, double epsilon) {
  return group_advantages(advantages_B, advantages_B.numel(), GroupSpread::kUnbiased, epsilon);
}

Tensor gdpo_advantages(const Tensor& rewards_BK, std::span<const double> weights, std::int64_t group_size,
                       double epsilon) {
  TORCH_CHECK_VALUE(rewards_BK.dim() == 2 && rewards_BK.size(1) == static_cast<std::int64_t>(weights.size()),
                    "weights: found ", weights.size(), " for rewards of shape ", rewards_BK.sizes());
  Tensor sum = at::zeros_like(rewards_BK.select(1, 0));
  for (std::size_t k = 0; k < weights.size(); ++k)
    sum = sum + weights[k] * group_advantages(rewards_BK.select(1, static_cast<std::int64_t>(k)), group_size,
                                              GroupSpread::kUnbiased, epsilon);
  return normalize_batch(sum, epsilon);
}

std::vector<bool> groups_that_vary(const Tensor& rewards_B, std::int64_t group_size) {
  TORCH_CHECK_VALUE(group_size > 0 && rewards_B.numel() % group_size == 0, "group size: found ", group_size,
                    " for ", rewards_B.numel(), " rewards");
  // Not by the spread: the mean of equal numbers may be rounded away from them.
  const std::vector<double> rewards = doubles(rewards_B);
  std::vector<bool> vary;
  for (auto group = rewards.begin(); group != rewards.end(); group += group_size) {
    std::optional<double> first;
    bool varies = false;
    for (auto reward = group; reward != group + group_size; ++reward) {
      if (std::isnan(*reward)) continue;
      varies = varies || *reward != first.value_or(*reward);
      first = first.value_or(*reward);
    }
    vary.push_back(varies);
  }
  return vary;
}

double overlong_penalty(std::int64_t tokens, std::int64_t most, std::int64_t cache) {
  TORCH_CHECK_VALUE(cache > 0 && cache <= most, "overlong cache: found ", cache, ", allowed is 1 to ", most);
  const double over = static_cast<double>(tokens - (most - cache)) / static_cast<double>(cache);
  return over <= 0.0 ? 0.0 : -std::min(over, 1.0);
}

}  // namespace caravan::losses
