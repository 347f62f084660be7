#include "losses/unpaired_preference.h"

#include <ATen/ATen.h>

namespace caravan::losses {

at::Tensor kl_sum(const at::Tensor& policy_B, const at::Tensor& reference_B) {
  const at::NoGradGuard no_grad;
  return (policy_B - reference_B).to(at::kDouble).sum();
}

at::Tensor kto_baseline(const at::Tensor& kl_sum, double count) {
  TORCH_CHECK_VALUE(count > 0.0, "kto: the baseline needs at least one mismatched completion in a step");
  return (kl_sum / count).clamp_min(0.0);
}

UnpairedResult unpaired_loss(const UnpairedLogProbs& examples, const at::Tensor& baseline,
                             const UnpairedOptions& options) {
  const at::NoGradGuard no_grad;
  const at::Tensor ratio = examples.policy_B - examples.reference_B;
  const at::Tensor& good = examples.desirable_B;
  const at::Tensor weight =
      at::where(good, at::full_like(ratio, options.desirable_weight), options.undesirable_weight);
  const at::Tensor sign = at::where(good, at::ones_like(ratio), -1.0);
  const bool kto = options.loss == UnpairedLoss::kKto;
  const at::Tensor above = kto ? ratio - baseline.to(ratio.scalar_type()) : ratio;
  // weight (1 - sigmoid(x)) with x signed by the label, so its slope is -weight sign beta s (1 - s).
  const at::Tensor missed = (-options.beta * sign * above).sigmoid();
  return {weight * missed, -options.beta * weight * sign * missed * (1.0 - missed), options.beta * ratio};
}

}  // namespace caravan::losses
