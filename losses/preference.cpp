#include "losses/preference.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <numbers>

namespace caravan::losses {

namespace {

using at::Tensor;

// Beyond this exponent e^x leaves fp32 soon; the scores that need it are flat in effect there.
constexpr double kMaxExponent = 40.0;
Tensor bounded_exp(const Tensor& x) {
  return x.clamp_max(kMaxExponent).exp();
}

// What all formulas are written in.
struct Sides {
  const PreferenceOptions& options;
  Tensor policy_c, policy_r, reference_c, reference_r;  // sums
  Tensor tokens_c, tokens_r;

  Tensor ratio_c() const { return policy_c - reference_c; }
  Tensor ratio_r() const { return policy_r - reference_r; }
  Tensor score_c() const { return score(ratio_c()); }
  Tensor score_r() const { return score(ratio_r()); }
  Tensor delta() const { return score_c() - score_r(); }
  Tensor average_delta() const { return score_c() / tokens_c - score_r() / tokens_r; }
  Tensor average_c() const { return policy_c / tokens_c; }
  Tensor average_r() const { return policy_r / tokens_r; }

  // -log sigmoid(x), or cDPO's mixture of it with the swapped label.
  Tensor logistic(const Tensor& x) const {
    const double s = options.label_smoothing;
    return s == 0.0 ? -at::log_sigmoid(x) : -(1.0 - s) * at::log_sigmoid(x) - s * at::log_sigmoid(-x);
  }

 private:
  // f'(policy / reference) up to a constant that cancels in the delta.
  Tensor score(const Tensor& ratio) const {
    switch (options.divergence) {
      case Divergence::kReverseKl:
        return ratio;
      case Divergence::kForwardKl:
        return 1.0 - bounded_exp(-ratio);
      case Divergence::kJensenShannon:
        return std::numbers::ln2 + at::log_sigmoid(ratio);
      case Divergence::kAlpha:
        break;
    }
    const double a = options.divergence_alpha - 1.0;
    return (bounded_exp(a * ratio) - 1.0) / a;
  }
};

Tensor dpo(const Sides& s) {
  return s.logistic(s.options.beta * s.delta());
}
Tensor dpo_norm(const Sides& s) {
  return s.logistic(s.options.beta * s.average_delta());
}
Tensor ipo(const Sides& s) {
  return (s.average_delta() - 0.5 / s.options.beta).square();
}
Tensor ipo_sum(const Sides& s) {
  return (s.delta() - 0.5 / s.options.beta).square();
}
Tensor hinge(const Sides& s) {
  return at::relu(1.0 - s.options.beta * s.delta());
}
Tensor robust(const Sides& s) {
  const Tensor x = s.options.beta * s.delta();
  const double e = s.options.label_smoothing;
  return (-(1.0 - e) * at::log_sigmoid(x) + e * at::log_sigmoid(-x)) / (1.0 - 2.0 * e);
}
// AlphaPO's reward of an average log-probability; its limit at alpha 0 is the log-probability itself.
Tensor simpo_score(const Tensor& average, double alpha) {
  return alpha == 0.0 ? average : (1.0 - bounded_exp(-alpha * average)) / alpha;
}
Tensor simpo(const Sides& s) {
  const double alpha = s.options.simpo_alpha;
  const Tensor margin = simpo_score(s.average_c(), alpha) - simpo_score(s.average_r(), alpha);
  return s.logistic(s.options.beta * (margin - s.options.gamma_beta_ratio));
}
Tensor orpo(const Sides& s) {
  return -s.options.beta * at::log_sigmoid(log_odds_ratio(s.average_c(), s.average_r()));
}
Tensor cpo(const Sides& s) {
  return s.logistic(s.options.beta * (s.policy_c - s.policy_r));
}
Tensor exo_pair(const Sides& s) {
  const Tensor x = s.options.beta * s.delta();
  const double e = s.options.label_smoothing;
  return x.sigmoid() * (at::log_sigmoid(x) - std::log1p(-e)) +
         (-x).sigmoid() * (at::log_sigmoid(-x) - std::log(e));
}
Tensor nca_pair(const Sides& s) {
  const Tensor c = s.options.beta * s.ratio_c(), r = s.options.beta * s.ratio_r();
  return -at::log_sigmoid(c) - 0.5 * at::log_sigmoid(-c) - 0.5 * at::log_sigmoid(-r);
}
Tensor bco_pair(const Sides& s) {
  return -at::log_sigmoid(s.options.beta * s.ratio_c()) - at::log_sigmoid(-s.options.beta * s.ratio_r());
}
Tensor sppo_hard(const Sides& s) {
  return (s.ratio_c() - 0.5 / s.options.beta).square() + (s.ratio_r() + 0.5 / s.options.beta).square();
}
// Optimal transport: quantiles are compared, not pairs.
Tensor sorted(const Tensor& x) {
  return std::get<0>(x.sort());
}
Tensor aot(const Sides& s) {
  const Tensor policy = s.policy_c - s.policy_r, reference = s.reference_c - s.reference_r;
  return s.logistic(s.options.beta * (sorted(policy) - sorted(reference.expand_as(policy))));
}
Tensor aot_unpaired(const Sides& s) {
  return s.logistic(s.options.beta * (sorted(s.ratio_c()) - sorted(s.ratio_r())));
}
Tensor apo_zero(const Sides& s) {
  return (-s.options.beta * s.ratio_c()).sigmoid() + (s.options.beta * s.ratio_r()).sigmoid();
}
Tensor apo_down(const Sides& s) {
  const Tensor c = s.options.beta * s.ratio_c(), r = s.options.beta * s.ratio_r();
  return c.sigmoid() + (r - c).sigmoid();
}
// A logistic and an exponential loss, blended by the margin itself. The product of a large exponential and a
// tiny share is taken in logarithms.
Tensor discopop(const Sides& s) {
  const Tensor x = s.options.beta * s.delta(), share = x / s.options.discopop_tau;
  return -at::log_sigmoid(x) * (-share).sigmoid() + (at::log_sigmoid(share) - x).exp();
}
Tensor none(const Sides& s) {
  return at::zeros_like(s.policy_c);
}

using Rewards = std::pair<Tensor, Tensor>;
Rewards ratio_rewards(const Sides& s) {
  return {s.ratio_c(), s.ratio_r()};
}
Rewards average_ratio_rewards(const Sides& s) {
  return {s.ratio_c() / s.tokens_c, s.ratio_r() / s.tokens_r};
}
Rewards average_rewards(const Sides& s) {
  return {s.average_c(), s.average_r()};
}
Rewards simpo_rewards(const Sides& s) {
  return {simpo_score(s.average_c(), s.options.simpo_alpha),
          simpo_score(s.average_r(), s.options.simpo_alpha)};
}
Rewards policy_rewards(const Sides& s) {
  return {s.policy_c, s.policy_r};
}

struct Entry {
  PreferenceLoss loss;
  Tensor (*losses)(const Sides&);
  Rewards (*rewards)(const Sides&);  // before beta
};
// In the order of the enum.
constexpr Entry kTable[] = {
    {PreferenceLoss::kDpo, dpo, ratio_rewards},
    {PreferenceLoss::kDpoNorm, dpo_norm, average_ratio_rewards},
    {PreferenceLoss::kSigmoidNorm, dpo_norm, ratio_rewards},
    {PreferenceLoss::kIpo, ipo, ratio_rewards},
    {PreferenceLoss::kIpoSum, ipo_sum, ratio_rewards},
    {PreferenceLoss::kHinge, hinge, ratio_rewards},
    {PreferenceLoss::kRobust, robust, ratio_rewards},
    {PreferenceLoss::kSimpo, simpo, simpo_rewards},
    {PreferenceLoss::kOrpo, orpo, average_rewards},
    {PreferenceLoss::kCpo, cpo, policy_rewards},
    {PreferenceLoss::kExoPair, exo_pair, ratio_rewards},
    {PreferenceLoss::kNcaPair, nca_pair, ratio_rewards},
    {PreferenceLoss::kBcoPair, bco_pair, ratio_rewards},
    {PreferenceLoss::kSppoHard, sppo_hard, ratio_rewards},
    {PreferenceLoss::kAot, aot, ratio_rewards},
    {PreferenceLoss::kAotUnpaired, aot_unpaired, ratio_rewards},
    {PreferenceLoss::kApoZero, apo_zero, ratio_rewards},
    {PreferenceLoss::kApoDown, apo_down, ratio_rewards},
    {PreferenceLoss::kDiscopop, discopop, ratio_rewards},
    {PreferenceLoss::kNone, none, policy_rewards},
};
static_assert(std::size(kTable) == choice_names(PreferenceLoss{}).size());

const Entry& entry_of(PreferenceLoss loss) {
  const Entry& entry = kTable[static_cast<std::size_t>(loss)];
  TORCH_INTERNAL_ASSERT(entry.loss == loss);
  return entry;
}

}  // namespace

PreferenceResult preference_loss(const PairLogProbs& pairs, const PreferenceOptions& options, bool gradient) {
  const std::string problem = problem_of(options);
  TORCH_CHECK_VALUE(problem.empty(), problem);
  const at::AutoGradMode mode(gradient);
  const auto leaf = [gradient](const Tensor& x) { return x.detach().requires_grad_(gradient); };
  const Tensor chosen = leaf(pairs.policy_chosen_B), rejected = leaf(pairs.policy_rejected_B);
  const bool reference = pairs.reference_chosen_B.defined() && !options.reference_free;
  const Tensor nothing = at::zeros_like(pairs.policy_chosen_B);
  const Sides sides{options,
                    chosen,
                    rejected,
                    reference ? pairs.reference_chosen_B.detach() : nothing,
                    reference ? pairs.reference_rejected_B.detach() : nothing,
                    pairs.chosen_tokens_B.to(chosen.scalar_type()).clamp_min(1.0),
                    pairs.rejected_tokens_B.to(chosen.scalar_type()).clamp_min(1.0)};
  Tensor loss_B = at::zeros_like(nothing);
  for (const PreferenceTerm& term : options.terms) {
    TORCH_CHECK_VALUE(reference || options.reference_free || !traits_of(term.loss).reference, "loss ",
                      choice_names(term.loss)[static_cast<std::size_t>(term.loss)],
                      " needs log-probabilities of the reference");
    loss_B = loss_B + term.weight * entry_of(term.loss).losses(sides);
  }
  if (pairs.pair_weights_B.defined()) loss_B = loss_B * pairs.pair_weights_B.detach();

  PreferenceResult result;
  if (gradient) {
    result.d_chosen_B = result.d_rejected_B = nothing;
    if (loss_B.requires_grad()) {  // not so for `none`
      const auto d = torch::autograd::grad({loss_B.sum()}, {chosen, rejected});
      result.d_chosen_B = d[0];
      result.d_rejected_B = d[1];
    }
  }
  result.loss_B = loss_B.detach();
  if (options.nll_weight != 0.0) {
    // Linear in the sum: no need to differentiate.
    const Tensor scale = options.nll_weight * pairs.nll_scale_B;
    result.loss_B = result.loss_B - scale * pairs.nll_chosen_B.detach();
    if (gradient) result.d_nll_B = -scale;
  }
  const at::NoGradGuard no_grad;
  const Rewards rewards = entry_of(options.terms.front().loss).rewards(sides);
  result.reward_chosen_B = options.beta * rewards.first.detach();
  result.reward_rejected_B = options.beta * rewards.second.detach();
  return result;
}

at::Tensor log_odds_ratio(const at::Tensor& chosen_average_B, const at::Tensor& rejected_average_B) {
  // log(1 - e^x) in the form that keeps its digits on either side of -ln 2; a certain completion (0) would
  // have infinite odds.
  const auto log_odds = [](const Tensor& average) {
    const Tensor x = average.clamp_max(-1e-6), far = x.lt(-std::numbers::ln2);
    // The branch that is not taken must not differentiate to NaN.
    const Tensor near = at::where(far, at::full_like(x, -1.0), x);
    return x - at::where(far, at::log1p(-x.exp()), at::log(-at::expm1(near)));
  };
  return log_odds(chosen_average_B) - log_odds(rejected_average_B);
}

}  // namespace caravan::losses
