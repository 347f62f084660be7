// Estimates of the divergence of a policy from a reference, token by token, from log-probabilities of the
// tokens that were sampled (Schulman, "Approximating KL divergence"; k3 as in GRPO, arXiv 2402.03300).
//
// d = policy - reference. k1 = d and its mean is unbiased, but of either sign; k2 = d^2 / 2; k3 = e^-d - 1 +
// d is unbiased and never below 0. Differentiable by policy_T, through the factor of importance_weighted too.
#pragma once

#include <ATen/core/Tensor.h>

#include "losses/policy_options.h"

namespace caravan::losses {

// All [T], floating, of one dtype and device, in nats; so is the result, an estimate for each token. old_T is
// looked at with importance_weighted only.
at::Tensor kl_estimate(const at::Tensor& policy_T, const at::Tensor& reference_T, const at::Tensor& old_T,
                       const KlOptions& options);

}  // namespace caravan::losses
