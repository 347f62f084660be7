#include "trainer/objectives/preference.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "losses/linear_cross_entropy.h"
#include "losses/sequence_sums.h"
#include "models/device.h"
#include "trainer/batch_tensors.h"
#include "trainer/error.h"

namespace caravan::trainer {

namespace {

using at::Tensor;

losses::CrossEntropyResult walk_head(const Tensor& hidden_TD, const losses::OutputHead& head,
                                     const data::MicroBatch& batch, const Tensor& rows_N,
                                     const Tensor& weights_T, const double* gradient_scale) {
  losses::CrossEntropyOptions options;
  options.gradient = gradient_scale != nullptr;
  options.gradient_scale = gradient_scale ? *gradient_scale : 0.0;
  options.weighted_rows = rows_N;
  const at::Device device = hidden_TD.device();
  // As for SFT: some thousand rows keep a GPU busy.
  if (device.is_cuda()) options.chunk_bytes = std::int64_t{256} << 20;
  return losses::linear_cross_entropy(hidden_TD, head, target_tensor(batch, device), weights_T, options);
}

// The pairs of a micro-batch: which positions are scored, and how many of each answer. Positions are kept in
// order, so that answers alternate: chosen, rejected, chosen, ...
struct Pairs {
  std::vector<std::int64_t> tokens;  // scored tokens of each answer
  Tensor rows_N, tokens_S;           // on the device
  std::int64_t num_rows = 0;

  Pairs(const data::MicroBatch& batch, const at::Device& device) {
    for (std::size_t d = 0; d + 1 < batch.doc_starts.size(); ++d)
      tokens.push_back(std::count_if(batch.weights.begin() + batch.doc_starts[d],
                                     batch.weights.begin() + batch.doc_starts[d + 1],
                                     [](float weight) { return weight != 0.f; }));
    for (const std::int64_t n : tokens) num_rows += n;
    rows_N = weighted_rows(batch.weights, device);
    tokens_S = models::device_copy<std::int64_t>(tokens, device);
  }

  Tensor at_rows(const Tensor& values_T) const { return values_T.index_select(0, rows_N).to(at::kDouble); }
  // [B, 2]: of chosen and rejected answers.
  Tensor sums(const Tensor& values_N) const {
    return losses::sequence_sums(values_N, tokens_S).view({-1, 2});
  }
  // From [B] and [B] to each scored token.
  Tensor spread(const Tensor& chosen_B, const Tensor& rejected_B) const {
    return losses::spread_to_tokens(at::stack({chosen_B, rejected_B}, 1).view(-1), tokens_S, num_rows);
  }
  Tensor length_weights(double alpha) const {
    std::vector<std::int64_t> others = tokens;
    for (std::size_t s = 0; s + 1 < others.size(); s += 2) std::swap(others[s], others[s + 1]);
    return models::device_copy<double>(losses::length_desensitised_weights(tokens, others, alpha),
                                       rows_N.device());
  }
};

Tensor column(const Tensor& pairs_B2, std::int64_t side) {
  return pairs_B2.select(1, side);
}

}  // namespace

void check_pairs(const data::MicroBatch& batch) {
  bool pairs = batch.roles.size() + 1 == batch.doc_starts.size() && batch.roles.size() % 2 == 0;
  for (std::size_t d = 0; pairs && d < batch.roles.size(); ++d)
    pairs = batch.roles[d] == (d % 2 == 0 ? data::DocumentRole::kChosen : data::DocumentRole::kRejected);
  if (!pairs)
    throw Error(Error::Kind::kInternalCheck,
                "preference loss: the micro-batch is not made of pairs; please report this defect");
}

Tensor trained_log_probs(const Tensor& hidden_TD, const losses::OutputHead& head,
                         const data::MicroBatch& batch) {
  const Tensor rows_N = weighted_rows(batch.weights, hidden_TD.device());
  const Tensor ones_T = at::ones({hidden_TD.size(0)}, hidden_TD.options().dtype(at::kFloat));
  return walk_head(hidden_TD, head, batch, rows_N, ones_T, nullptr).log_probs_T;
}

PreferenceObjective::PreferenceObjective(const PreferenceLossOptions& options)
    : options_(options), loss_options_(options.loss_options()) {
  options_.check();
}

double PreferenceObjective::count(const data::MicroBatch& batch) const {
  return static_cast<double>(std::count(batch.roles.begin(), batch.roles.end(), data::DocumentRole::kChosen));
}

ObjectiveResult PreferenceObjective::loss(const Tensor& hidden_TD, const losses::OutputHead& head,
                                          const data::MicroBatch& batch, const double* gradient_scale) const {
  check_pairs(batch);
  const at::NoGradGuard no_grad;
  const at::Device device = hidden_TD.device();
  const Pairs pairs(batch, device);
  const Tensor policy_N = pairs.at_rows(trained_log_probs(hidden_TD, head, batch));
  const Tensor token_weights_N =
      options_.ld_alpha < 1.0 ? pairs.length_weights(options_.ld_alpha) : at::ones_like(policy_N);
  const Tensor plain = pairs.sums(policy_N), scored = pairs.sums(policy_N * token_weights_N);
  const Tensor tokens = pairs.tokens_S.view({-1, 2}).to(at::kDouble);

  losses::PairLogProbs input{column(scored, 0), column(scored, 1), {}, {},
                             column(tokens, 0), column(tokens, 1)};
  if (options_.needs_reference()) {
    if (batch.reference_log_probs.size() != batch.ids.size())
      throw Error(Error::Kind::kInternalCheck,
                  "preference loss: the micro-batch carries no log-probabilities of the reference; please "
                  "report this defect");
    const Tensor reference_N = pairs.at_rows(float_tensor(batch.reference_log_probs, device));
    const Tensor reference = pairs.sums(reference_N * token_weights_N);
    input.reference_chosen_B = column(reference, 0);
    input.reference_rejected_B = column(reference, 1);
  }
  if (options_.wpo) {
    const Tensor averages = plain / tokens;
    input.pair_weights_B = losses::wpo_plain(column(averages, 0), column(averages, 1));
  }
  if (options_.nll_weight > 0.0) {
    input.nll_chosen_B = column(plain, 0);
    input.nll_scale_B = 1.0 / column(tokens, 0);
  }
  const losses::PreferenceResult result =
      losses::preference_loss(input, loss_options_, gradient_scale != nullptr);

  ObjectiveResult out;
  const double counted = count(batch);
  const auto mean_of = [&](const char* name, const Tensor& values_B) {
    out.terms.metrics[name] = {values_B.to(at::kDouble).sum(), counted};
  };
  out.terms.loss = {result.loss_B.sum(), counted};
  mean_of("rewards/chosen", result.reward_chosen_B);
  mean_of("rewards/rejected", result.reward_rejected_B);
  mean_of("rewards/margins", result.reward_chosen_B - result.reward_rejected_B);
  out.terms.margins_B = (result.reward_chosen_B - result.reward_rejected_B).contiguous();
  mean_of("rewards/accuracies", result.reward_chosen_B.gt(result.reward_rejected_B));
  mean_of("logps/chosen", column(plain, 0));
  mean_of("logps/rejected", column(plain, 1));
  if (options_.nll_weight > 0.0) mean_of("nll", -input.nll_chosen_B * input.nll_scale_B);
  if (!gradient_scale) return out;

  // The head's gradient is that of weight times -log p.
  Tensor weights_N = -pairs.spread(result.d_chosen_B, result.d_rejected_B) * token_weights_N;
  if (options_.nll_weight > 0.0)
    weights_N = weights_N - pairs.spread(result.d_nll_B, at::zeros_like(result.d_nll_B));
  const Tensor weights_T = at::zeros({hidden_TD.size(0)}, hidden_TD.options().dtype(at::kFloat))
                               .index_copy_(0, pairs.rows_N, weights_N.to(at::kFloat));
  out.d_hidden_TD = walk_head(hidden_TD, head, batch, pairs.rows_N, weights_T, gradient_scale).d_hidden_TD;
  return out;
}

}  // namespace caravan::trainer
