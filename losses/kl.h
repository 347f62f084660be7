// Estimates of the divergence of a policy from a reference, token by token, from log-probabilities of the
// tokens that were sampled (Schulman, "Approximating KL divergence").
//
// d = policy - reference. k1 = d and its mean is unbiased, but of either sign; k2 = d^2 / 2; k3 = e^-d - 1 +
// d is unbiased and never below 0. Differentiable by policy_T.
#pragma once

#include <ATen/core/Tensor.h>

#include "losses/policy_options.h"

namespace caravan::losses {

// old_T only for importance_weighted.
at::Tensor kl_estimate(const at::Tensor& policy_T, const at::Tensor& reference_T, const at::Tensor& old_T,
                       const KlOptions& options);

}  // namespace caravan::losses
