#include "trainer/objectives/policy_gradient.h"

#include <ATen/ATen.h>

#include <string>

#include "losses/policy_gradient.h"
#include "trainer/error.h"
#include "trainer/objectives/head_walk.h"

namespace caravan::trainer {
namespace {

using at::Tensor;

void require(const std::vector<float>& values, const data::MicroBatch& batch, const std::string& what) {
  if (values.size() != batch.ids.size())
    throw Error(Error::Kind::kInternalCheck,
                "policy loss: the micro-batch carries no " + what + "; please report this defect");
}

losses::PolicyTokens tokens_of(const data::MicroBatch& batch, const TrainedRows& rows, const Tensor& policy_N,
                               const PolicySettings& settings) {
  const data::SampledTokens& sampled = batch.sampled;
  require(sampled.advantages, batch, "advantages");
  require(sampled.old_log_probs, batch, "log-probabilities of the rollout's policy");
  require(sampled.sampling_log_probs, batch, "log-probabilities of the sampler");
  losses::PolicyTokens tokens;
  tokens.policy_T = policy_N;
  tokens.old_T = rows.select(sampled.old_log_probs);
  tokens.sampling_T = rows.select(sampled.sampling_log_probs);
  tokens.advantages_T = rows.select(sampled.advantages);
  tokens.tokens_B = rows.tokens_S;
  if (!batch.reference_log_probs.empty()) tokens.reference_T = rows.select(batch.reference_log_probs);
  if (settings.policy.beta > 0.0)
    require(batch.reference_log_probs, batch, "log-probabilities of the reference");
  if (settings.importance)
    tokens.importance_T =
        losses::importance_weights(tokens.old_T, tokens.sampling_T, tokens.tokens_B, *settings.importance,
                                   settings.importance_least, settings.importance_most);
  return tokens;
}

}  // namespace

PolicyObjective::PolicyObjective(const PolicyLossOptions& options, double temperature, double constant_length)
    : settings_(options.settings()), temperature_(temperature), constant_length_(constant_length) {
  options.check();
}

double PolicyObjective::count(const data::MicroBatch& batch) const {
  const auto completions = static_cast<double>(batch.documents.size());
  switch (settings_.reduction) {
    case losses::PolicyReduction::kTokenMean:
      break;
    case losses::PolicyReduction::kSequenceMean:
    case losses::PolicyReduction::kSequenceSum:
      return completions;
    case losses::PolicyReduction::kConstant:
      return completions * constant_length_;
  }
  double tokens = 0.0;
  for (const float weight : batch.weights) tokens += weight != 0.f ? 1.0 : 0.0;
  return tokens;
}

ObjectiveResult PolicyObjective::loss(const Tensor& hidden_TD, const losses::OutputHead& head,
                                      const data::MicroBatch& batch, const double* gradient_scale) const {
  const at::NoGradGuard no_grad;
  const TrainedRows rows(batch, hidden_TD.device());
  const Tensor policy_N = rows.select(trained_log_probs(hidden_TD, head, batch, temperature_));
  losses::PolicyTokens tokens = tokens_of(batch, rows, policy_N, settings_);
  const losses::Reduction reduction =
      losses::reduce(settings_.reduction, tokens.tokens_B, policy_N, constant_length_);
  tokens.weights_T = reduction.weights_T;
  const losses::PolicyResult result = losses::policy_loss(tokens, settings_.policy);

  ObjectiveResult out;
  out.terms.loss = {result.loss.to(at::kDouble), count(batch)};
  const auto mean_of = [&](const char* name, const Tensor& values_N) {
    out.terms.metrics[name] = {values_N.to(at::kDouble).sum(), static_cast<double>(rows.num_rows)};
  };
  mean_of("policy/ratio", result.ratio_T);
  mean_of("policy/clipped_low", result.clipped_low_T);
  mean_of("policy/clipped_high", result.clipped_high_T);
  mean_of("policy/approx_kl", 0.5 * (policy_N - tokens.old_T).square());
  mean_of("policy/entropy_estimate", -policy_N);
  mean_of("policy/sampling_difference", (policy_N - tokens.sampling_T).abs());
  if (tokens.reference_T.defined())
    mean_of("kl", losses::kl_estimate(policy_N, tokens.reference_T, tokens.old_T, settings_.policy.kl));
  if (!gradient_scale) return out;
  // The head's gradient is that of weight times -log p.
  out.d_hidden_TD = walk_head(hidden_TD, head, batch, rows.rows_N, rows.put(-result.d_policy_T, hidden_TD),
                              gradient_scale, temperature_)
                        .d_hidden_TD;
  return out;
}

}  // namespace caravan::trainer
