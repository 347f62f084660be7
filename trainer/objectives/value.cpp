#include "trainer/objectives/value.h"

#include <ATen/ATen.h>

#include "losses/policy_gradient.h"
#include "trainer/batch_tensors.h"
#include "trainer/error.h"
#include "trainer/objectives/answers.h"

namespace caravan::trainer {

using at::Tensor;

double ValueObjective::count(const data::MicroBatch& batch) const {
  double tokens = 0.0;
  for (const float weight : batch.weights) tokens += weight != 0.f ? 1.0 : 0.0;
  return tokens;
}

ObjectiveResult ValueObjective::loss(const Tensor& hidden_TD, const losses::OutputHead& head,
                                     const data::MicroBatch& batch, const double* gradient_scale) const {
  const at::NoGradGuard no_grad;
  if (batch.sampled.returns.size() != batch.ids.size() || batch.sampled.old_values.size() != batch.ids.size())
    throw Error(Error::Kind::kInternalCheck,
                "value loss: the micro-batch carries no values and returns; please report this defect");
  const at::Device device = hidden_TD.device();
  const Answers answers(batch, 0, batch.documents.size(), device);
  const Tensor hidden_ND = hidden_TD.index_select(0, answers.rows_N());
  const Tensor values_N = head.logits(hidden_ND).to(at::kDouble).view(-1);
  const Tensor returns_N = answers.at_rows(float_tensor(batch.sampled.returns, device));
  const losses::ValueResult result =
      losses::value_loss(values_N, answers.at_rows(float_tensor(batch.sampled.old_values, device)), returns_N,
                         at::full_like(values_N, weight_), range_);

  ObjectiveResult out;
  const auto mean_of = [&](const char* name, const Tensor& of_N) {
    out.terms.metrics[name] = {of_N.to(at::kDouble).sum(), count(batch)};
  };
  out.terms.loss = {weight_ * result.loss_T.sum(), count(batch)};
  mean_of("value/mean", values_N);
  mean_of("value/clipped", result.clipped_T);
  mean_of("value/error", (values_N - returns_N).abs());
  if (!gradient_scale) return out;
  const Tensor d_scores_N1 = (result.d_values_T * *gradient_scale).view({-1, 1}).to(hidden_TD.scalar_type());
  out.d_hidden_TD =
      at::zeros_like(hidden_TD).index_copy_(0, answers.rows_N(), head.backward(d_scores_N1, hidden_ND));
  return out;
}

Tensor token_values(const Tensor& hidden_TD, const losses::OutputHead& head, const data::MicroBatch& batch) {
  const at::NoGradGuard no_grad;
  const Tensor rows_N = weighted_rows(batch.weights, hidden_TD.device());
  return head.logits(hidden_TD.index_select(0, rows_N)).view(-1).to(at::kDouble);
}

}  // namespace caravan::trainer
