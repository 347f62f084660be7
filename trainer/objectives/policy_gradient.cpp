#include "trainer/objectives/policy_gradient.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <string>

#include "losses/kl.h"
#include "trainer/batch_tensors.h"
#include "trainer/error.h"

namespace caravan::trainer {
namespace {

using at::Tensor;

void require(const std::vector<float>& values, const data::MicroBatch& batch, const std::string& what) {
  if (values.size() != batch.ids.size())
    throw Error(Error::Kind::kInternalCheck,
                "policy loss: the micro-batch carries no " + what + "; please report this defect");
}

void require_all(const data::MicroBatch& batch, bool reference) {
  require(batch.sampled.advantages, batch, "advantages");
  require(batch.sampled.old_log_probs, batch, "log-probabilities of the rollout's policy");
  require(batch.sampled.sampling_log_probs, batch, "log-probabilities of the sampler");
  if (reference) require(batch.reference_log_probs, batch, "log-probabilities of the reference");
}

// Sums over the runs of a micro-batch, each a mean over tokens.
struct Means {
  losses::LossTerms& terms;
  double tokens;

  void add(const char* name, const Tensor& values_N) const {
    losses::Ratio& ratio = terms.metrics[name];
    const Tensor sum = values_N.to(at::kDouble).sum();
    ratio.sum = ratio.sum.defined() ? ratio.sum + sum : sum;
    ratio.count = tokens;
  }
};

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

losses::PolicyTokens PolicyObjective::tokens_of(const AnswerWalk& walk, const data::MicroBatch& batch) const {
  const Answers& answers = walk.answers();
  const auto at_rows = [&](const std::vector<float>& values) {
    return answers.at_rows(float_tensor(values, answers.rows_N().device()));
  };
  losses::PolicyTokens tokens;
  tokens.policy_T = walk.policy_N();
  tokens.old_T = at_rows(batch.sampled.old_log_probs);
  tokens.sampling_T = at_rows(batch.sampled.sampling_log_probs);
  tokens.advantages_T = at_rows(batch.sampled.advantages);
  tokens.tokens_B = answers.tokens_S();
  tokens.weights_T =
      losses::reduce(settings_.reduction, tokens.tokens_B, tokens.policy_T, constant_length_).weights_T;
  if (!batch.reference_log_probs.empty()) tokens.reference_T = at_rows(batch.reference_log_probs);
  if (settings_.importance)
    tokens.importance_T =
        losses::importance_weights(tokens.old_T, tokens.sampling_T, tokens.tokens_B, *settings_.importance,
                                   settings_.importance_least, settings_.importance_most);
  return tokens;
}

ObjectiveResult PolicyObjective::loss(const Tensor& hidden_TD, const losses::OutputHead& head,
                                      const data::MicroBatch& batch, const double* gradient_scale) const {
  const at::NoGradGuard no_grad;
  require_all(batch, settings_.policy.beta > 0.0);
  const bool gradient = gradient_scale != nullptr;
  ObjectiveResult out;
  if (gradient) out.d_hidden_TD = at::zeros_like(hidden_TD);
  out.terms.loss = {at::zeros({}, hidden_TD.options().dtype(at::kDouble)), count(batch)};
  const Means means{out.terms, static_cast<double>(std::ranges::count_if(
                                   batch.weights, [](float weight) { return weight != 0.f; }))};
  for (const auto& run : runs_of(hidden_TD, head, batch, 1, gradient)) {
    AnswerWalk walk(hidden_TD, head, batch, run, gradient, true, temperature_);
    const losses::PolicyTokens tokens = tokens_of(walk, batch);
    const losses::PolicyResult result = losses::policy_loss(tokens, settings_.policy);
    out.terms.loss.sum = out.terms.loss.sum + result.loss.to(at::kDouble);
    means.add("policy/ratio", result.ratio_T);
    means.add("policy/clipped_low", result.clipped_low_T);
    means.add("policy/clipped_high", result.clipped_high_T);
    means.add("policy/approx_kl", 0.5 * (tokens.policy_T - tokens.old_T).square());
    means.add("policy/entropy", walk.entropy_N());
    means.add("policy/entropy_estimate", -tokens.policy_T);
    means.add("policy/sampling_difference", (tokens.policy_T - tokens.sampling_T).abs());
    if (tokens.reference_T.defined())
      means.add("kl", result.kl_T.defined() ? result.kl_T
                                            : losses::kl_estimate(tokens.policy_T, tokens.reference_T,
                                                                  tokens.old_T, settings_.policy.kl));
    // The head's gradient is that of weight times -log p.
    if (gradient) walk.backward(-result.d_policy_T * *gradient_scale, out.d_hidden_TD);
  }
  return out;
}

Answer token_log_probs(double temperature) {
  return
      [temperature](const Tensor& hidden_TD, const losses::OutputHead& head, const data::MicroBatch& batch) {
        const at::NoGradGuard no_grad;
        const std::pair<std::size_t, std::size_t> all{0, batch.documents.size()};
        return AnswerWalk(hidden_TD, head, batch, all, false, false, temperature).policy_N();
      };
}

}  // namespace caravan::trainer
