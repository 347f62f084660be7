#include "losses/policy_gradient.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <limits>

#include "losses/kl.h"
#include "losses/sequence_sums.h"

namespace caravan::losses {

namespace {

using at::Tensor;

struct Policy {
  const PolicyTokens& tokens;
  const PolicyOptions& options;
  Tensor policy_T;  // with gradient
  Tensor log_ratio_T, ratio_T;

  const Tensor& advantages() const { return tokens.advantages_T; }
  Tensor spread(const Tensor& values_B) const {
    return spread_to_tokens(values_B, tokens.tokens_B, policy_T.numel());
  }
  Tensor sums(const Tensor& values_T) const { return sequence_sums(values_T, tokens.tokens_B); }
  Tensor means(const Tensor& values_T) const { return sums(values_T) / tokens.tokens_B.clamp_min(1); }
  // A number by the sign of the advantage.
  Tensor by_sign(const Tensor& positive, double yes, double no) const {
    return at::where(positive, at::full_like(advantages(), yes), no);
  }
};

Tensor ratio_of(const Policy& p) {
  switch (p.options.ratio) {
    case RatioLevel::kToken:
      break;
    case RatioLevel::kSequence:
      return p.spread(p.means(p.log_ratio_T)).exp();
    case RatioLevel::kSequenceSum:
      return p.spread(p.sums(p.log_ratio_T)).exp();
  }
  return p.log_ratio_T.exp();
}

Tensor clip(const Policy& p) {
  const PolicyOptions& o = p.options;
  const Tensor& a = p.advantages();
  const Tensor held = o.delta > 0.0 ? p.ratio_T.clamp_max(o.delta) : p.ratio_T;
  const Tensor objective =
      at::minimum(held * a, p.ratio_T.clamp(1.0 - o.epsilon_low, 1.0 + o.epsilon_high) * a);
  if (o.dual_clip == 0.0) return -objective;
  return -at::where(a.lt(0.0), at::maximum(objective, o.dual_clip * a), objective);
}

// The ratio only weighs the gradient of log p.
Tensor weighed(const Policy& p, const Tensor& factor_T) {
  return -factor_T.detach() * p.advantages() * p.policy_T;
}

Tensor sapo(const Policy& p) {
  const Tensor t =
      p.by_sign(p.advantages().gt(0.0), p.options.sapo_temperature_pos, p.options.sapo_temperature_neg);
  return -(t * (p.ratio_T - 1.0)).sigmoid() * 4.0 / t * p.advantages();
}

Tensor vespo(const Policy& p) {
  const PolicyOptions& o = p.options;
  const Tensor log_w = p.spread(p.sums(p.log_ratio_T.clamp(-20.0, 20.0)).clamp(std::log(1e-8), 20.0));
  const Tensor positive = p.advantages().ge(0.0);
  const Tensor k = p.by_sign(positive, o.vespo_k_pos, o.vespo_k_neg),
               lambda = p.by_sign(positive, o.vespo_lambda_pos, o.vespo_lambda_neg);
  return weighed(p, (lambda + k * log_w - lambda * log_w.exp()).exp());
}

Tensor gmpo(const Policy& p) {
  const Tensor held = p.log_ratio_T.clamp(-p.options.epsilon_low, p.options.epsilon_high);
  const Tensor worse =
      at::where(p.advantages().gt(0.0), at::minimum(p.log_ratio_T, held), at::maximum(p.log_ratio_T, held));
  return -p.spread(p.means(worse)).exp() * p.advantages();
}

Tensor token_losses(const Policy& p) {
  const PolicyOptions& o = p.options;
  switch (o.loss) {
    case PolicyLoss::kClip:
      break;
    case PolicyLoss::kCispo:
      return weighed(p, p.ratio_T.clamp_max(o.epsilon_high));
    case PolicyLoss::kCispoMinimax:
      return weighed(p, p.ratio_T.clamp(1.0 - o.epsilon_low, 1.0 + o.epsilon_high));
    case PolicyLoss::kCispoOpenInstruct:
      return weighed(p, p.ratio_T.clamp_max(1.0 + o.epsilon_high));
    case PolicyLoss::kSapo:
      return sapo(p);
    case PolicyLoss::kVespo:
      return vespo(p);
    case PolicyLoss::kGmpo:
      return gmpo(p);
    case PolicyLoss::kReinforce:
      return weighed(p, at::ones_like(p.ratio_T));
  }
  return clip(p);
}

struct RatioBounds {
  double low = 0.0, high = std::numeric_limits<double>::infinity();
};

// Beyond which a ratio no longer moves the loss; none for losses that have no clip.
RatioBounds bounds_of(const PolicyOptions& o) {
  switch (o.loss) {
    case PolicyLoss::kClip:
    case PolicyLoss::kCispoMinimax:
      return {1.0 - o.epsilon_low, 1.0 + o.epsilon_high};
    case PolicyLoss::kCispo:
      return {.high = o.epsilon_high};
    case PolicyLoss::kCispoOpenInstruct:
      return {.high = 1.0 + o.epsilon_high};
    case PolicyLoss::kGmpo:
      return {std::exp(-o.epsilon_low), std::exp(o.epsilon_high)};
    case PolicyLoss::kSapo:
    case PolicyLoss::kVespo:
    case PolicyLoss::kReinforce:
      break;
  }
  return {};
}

// Where the policy term counts: 0, 1, or the importance weight. Undefined: everywhere.
Tensor policy_factor(const Policy& p) {
  const PolicyOptions& o = p.options;
  const PolicyTokens& t = p.tokens;
  Tensor factor = t.importance_T.defined() ? t.importance_T : at::ones_like(t.old_T);
  if (o.off_policy_mask_threshold) {
    const Tensor away = p.spread(p.means(t.sampling_T - p.policy_T.detach()));
    factor = factor * t.advantages_T.ge(0.0).logical_or(away.le(*o.off_policy_mask_threshold));
  }
  if (o.top_entropy_share < 1.0) {
    const Tensor entropies = t.entropies_T.detach();
    factor = factor * entropies.ge(at::quantile(entropies, 1.0 - o.top_entropy_share));
  }
  return factor;
}

void check(const PolicyTokens& t, const PolicyOptions& o) {
  TORCH_CHECK_VALUE(o.beta >= 0.0, "beta: found ", o.beta, ", allowed is 0 or more");
  TORCH_CHECK_VALUE(o.beta == 0.0 || t.reference_T.defined(),
                    "beta: needs log-probabilities of the reference");
  TORCH_CHECK_VALUE(o.dual_clip == 0.0 || o.dual_clip > 1.0, "dual_clip: found ", o.dual_clip,
                    ", allowed is above 1");
  TORCH_CHECK_VALUE(o.top_entropy_share > 0.0 && o.top_entropy_share <= 1.0, "top_entropy_share: found ",
                    o.top_entropy_share, ", allowed is above 0, at most 1");
  TORCH_CHECK_VALUE((o.top_entropy_share == 1.0 && o.entropy_coefficient == 0.0) || t.entropies_T.defined(),
                    "top_entropy_share, entropy_coefficient: need entropies");
  TORCH_CHECK_VALUE(!o.off_policy_mask_threshold || t.sampling_T.defined(),
                    "off_policy_mask_threshold: needs log-probabilities of the sampler");
}

}  // namespace

PolicyResult policy_loss(const PolicyTokens& tokens, const PolicyOptions& options) {
  check(tokens, options);
  const at::AutoGradMode grad(true);
  Policy p{tokens, options, tokens.policy_T.detach().requires_grad_(true), {}, {}};
  p.log_ratio_T = p.policy_T - tokens.old_T;
  p.ratio_T = ratio_of(p);
  Tensor loss_T = token_losses(p) * policy_factor(p);
  PolicyResult result;
  if (options.beta > 0.0) {
    const Tensor kl_T = kl_estimate(p.policy_T, tokens.reference_T, tokens.old_T, options.kl);
    loss_T = loss_T + options.beta * kl_T;
    result.kl_T = kl_T.detach();
  }
  result.d_policy_T = torch::autograd::grad({(loss_T * tokens.weights_T).sum()}, {p.policy_T})[0];

  const at::NoGradGuard no_grad;
  result.token_loss_T = loss_T.detach();
  result.ratio_T = p.ratio_T.detach();
  const Tensor& a = tokens.advantages_T;
  const RatioBounds bounds = bounds_of(options);
  result.clipped_low_T = result.ratio_T.lt(bounds.low).logical_and(a.lt(0.0));
  result.clipped_high_T = result.ratio_T.gt(bounds.high).logical_and(a.gt(0.0));
  result.loss = (result.token_loss_T.to(at::kDouble) * tokens.weights_T.to(at::kDouble)).sum();
  if (options.entropy_coefficient != 0.0) {
    const double factor = options.entropy_coefficient * tokens.entropy_scale;
    result.loss = result.loss - factor * tokens.entropies_T.to(at::kDouble).sum();
    result.d_entropies_T = at::full_like(tokens.entropies_T, -factor);
  }
  return result;
}

Reduction reduce(PolicyReduction reduction, const Tensor& tokens_B, const Tensor& like,
                 double constant_length) {
  const double tokens = static_cast<double>(like.numel()),
               completions = static_cast<double>(tokens_B.numel());
  const Tensor ones = at::ones_like(like);
  switch (reduction) {
    case PolicyReduction::kTokenMean:
      break;
    case PolicyReduction::kSequenceMean:
      return {spread_to_tokens(1.0 / tokens_B.clamp_min(1).to(like.scalar_type()), tokens_B, like.numel()),
              completions};
    case PolicyReduction::kSequenceSum:
      return {ones, completions};
    case PolicyReduction::kConstant:
      TORCH_CHECK_VALUE(constant_length > 0.0, "constant length: found ", constant_length,
                        ", allowed is above 0");
      return {ones, completions * constant_length};
  }
  return {ones, tokens};
}

Tensor importance_weights(const Tensor& old_T, const Tensor& sampling_T, const Tensor& tokens_B,
                          ImportanceMode mode, std::optional<double> least, std::optional<double> most) {
  const at::NoGradGuard no_grad;
  const bool sequence = mode == ImportanceMode::kSequenceTruncate || mode == ImportanceMode::kSequenceMask;
  const bool mask = mode == ImportanceMode::kTokenMask || mode == ImportanceMode::kSequenceMask;
  Tensor log_weight = old_T - sampling_T;
  if (sequence) log_weight = spread_to_tokens(sequence_sums(log_weight, tokens_B), tokens_B, old_T.numel());
  Tensor weight = log_weight.exp();
  if (!mask) {
    if (least) weight = weight.clamp_min(*least);
    return most ? weight.clamp_max(*most) : weight;
  }
  if (least) weight = weight.masked_fill(weight.lt(*least), 0.0);
  return most ? weight.masked_fill(weight.gt(*most), 0.0) : weight;
}

ValueResult value_loss(const Tensor& values_T, const Tensor& old_values_T, const Tensor& returns_T,
                       const Tensor& weights_T, double range) {
  const at::NoGradGuard no_grad;
  const Tensor error = values_T - returns_T;
  if (range <= 0.0) return {0.5 * error.square(), weights_T * error, at::zeros_like(values_T, at::kBool)};
  const Tensor moved = values_T - old_values_T,
               held_error = old_values_T + moved.clamp(-range, range) - returns_T;
  // Only beyond the range, where the clipped value stands still; within it both are the same up to rounding.
  const Tensor clipped = held_error.square().gt(error.square()).logical_and(moved.abs().gt(range));
  return {0.5 * at::maximum(error.square(), held_error.square()), weights_T * error * clipped.logical_not(),
          clipped};
}

}  // namespace caravan::losses
