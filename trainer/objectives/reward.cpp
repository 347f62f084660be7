#include "trainer/objectives/reward.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "losses/bradley_terry.h"
#include "models/device.h"
#include "trainer/error.h"
#include "trainer/objectives/preference.h"

namespace caravan::trainer {

namespace {

// By how much each pair's chosen answer is to win.
at::Tensor margins(const data::MicroBatch& batch, const RewardLossOptions& options) {
  std::vector<double> values(batch.roles.size() / 2, options.margin);
  if (!options.row_margins) return at::tensor(values, at::kDouble);
  for (std::size_t pair = 0; pair < values.size(); ++pair) {
    const double margin = batch.margins.empty() ? std::nan("") : batch.margins.at(2 * pair);
    if (std::isnan(margin))
      throw Error(Error::Kind::kInternalCheck,
                  "reward loss: a pair has no margin; please report this defect");
    values[pair] += margin;
  }
  return at::tensor(values, at::kDouble);
}

}  // namespace

at::Tensor token_scores(const at::Tensor& hidden_TD, const losses::OutputHead& head) {
  return head.logits(hidden_TD).to(at::kFloat).view(-1);
}

at::Tensor last_rows(const data::MicroBatch& batch, const at::Device& device) {
  std::vector<std::int64_t> last;
  for (std::size_t d = 1; d < batch.doc_starts.size(); ++d) last.push_back(batch.doc_starts[d] - 1);
  return models::device_copy<std::int64_t>(last, device);
}

double RewardObjective::count(const data::MicroBatch& batch) const {
  return static_cast<double>(std::count(batch.roles.begin(), batch.roles.end(), data::DocumentRole::kChosen));
}

ObjectiveResult RewardObjective::loss(const at::Tensor& hidden_TD, const losses::OutputHead& head,
                                      const data::MicroBatch& batch, const double* gradient_scale) const {
  check_pairs(batch);
  const at::NoGradGuard no_grad;
  const at::Tensor rows_S = last_rows(batch, hidden_TD.device());
  const at::Tensor hidden_SD = hidden_TD.index_select(0, rows_S);
  const at::Tensor scores_B2 = token_scores(hidden_SD, head).to(at::kDouble).view({-1, 2});
  losses::PairScores scores{scores_B2.select(1, 0), scores_B2.select(1, 1)};
  scores.margin_B = margins(batch, options_).to(hidden_TD.device());
  const losses::PairScoresResult result = losses::bradley_terry(scores, options_.centring);

  ObjectiveResult out;
  const double counted = count(batch);
  const auto mean_of = [&](const char* name, const at::Tensor& values_B) {
    out.terms.metrics[name] = {values_B.to(at::kDouble).sum(), counted};
  };
  out.terms.loss = {result.loss_B.sum(), counted};
  out.terms.margins_B = (scores.chosen_B - scores.rejected_B).contiguous();
  mean_of("rewards/chosen", scores.chosen_B);
  mean_of("rewards/rejected", scores.rejected_B);
  mean_of("rewards/margins", out.terms.margins_B);
  mean_of("rewards/accuracies", scores.chosen_B.gt(scores.rejected_B));
  if (!gradient_scale) return out;
  const at::Tensor d_scores_S1 =
      (at::stack({result.d_chosen_B, result.d_rejected_B}, 1).view({-1, 1}) * *gradient_scale)
          .to(hidden_TD.scalar_type());
  const at::Tensor d_hidden_SD = head.backward(d_scores_S1, hidden_SD);
  out.d_hidden_TD = at::zeros_like(hidden_TD).index_copy_(0, rows_S, d_hidden_SD);
  return out;
}

}  // namespace caravan::trainer
