#include "losses/kl.h"

#include <ATen/ATen.h>

namespace caravan::losses {

namespace {

at::Tensor estimate(const at::Tensor& d, KlEstimator estimator) {
  switch (estimator) {
    case KlEstimator::kK1:
      return d;
    case KlEstimator::kK2:
      return 0.5 * d.square();
    case KlEstimator::kK3:
      return at::expm1(-d) + d;
    case KlEstimator::kAbs:
      break;
  }
  return d.abs();
}

}  // namespace

at::Tensor kl_estimate(const at::Tensor& policy_T, const at::Tensor& reference_T, const at::Tensor& old_T,
                       const KlOptions& options) {
  at::Tensor d = policy_T - reference_T;
  if (options.clamp > 0.0) d = d.clamp(-options.clamp, options.clamp);
  const at::Tensor kl = estimate(d, options.estimator);
  return options.importance_weighted ? kl * (policy_T - old_T).exp() : kl;
}

}  // namespace caravan::losses
