#include "losses/bradley_terry.h"

#include <ATen/ATen.h>

namespace caravan::losses {

PairScoresResult bradley_terry(const PairScores& scores, double centring) {
  TORCH_CHECK_VALUE(centring >= 0.0, "centring: found ", centring, ", allowed is 0 or more");
  const at::NoGradGuard no_grad;
  const at::Tensor won = scores.chosen_B - scores.rejected_B, sum = scores.chosen_B + scores.rejected_B;
  const at::Tensor x = scores.margin_B.defined() ? won - scores.margin_B : won;
  const at::Tensor missed = (-x).sigmoid(), pull = 2.0 * centring * sum;
  return {-at::log_sigmoid(x) + centring * sum.square(), pull - missed, pull + missed};
}

}  // namespace caravan::losses
