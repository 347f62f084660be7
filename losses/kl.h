// Estimates of the divergence of a policy from a reference, token by token, from log-probabilities of the
// tokens that were sampled (Schulman, "Approximating KL divergence").
//
// d = policy - reference. k1 = d and its mean is unbiased, but of either sign; k2 = d^2 / 2; k3 = e^-d - 1 +
// d is unbiased and never below 0. Differentiable by policy_T.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <string_view>

namespace caravan::losses {

enum class KlEstimator { kK1, kK2, kK3, kAbs };
constexpr std::array<std::string_view, 4> choice_names(KlEstimator) {
  return {"k1", "k2", "k3", "abs"};
}

struct KlOptions {
  KlEstimator estimator = KlEstimator::kK3;
  double clamp = 0.0;                // d is held within +-clamp, where its gradient ends; 0: not held
  bool importance_weighted = false;  // times policy / old: corrects for tokens that an older policy sampled
};

// old_T only for importance_weighted.
at::Tensor kl_estimate(const at::Tensor& policy_T, const at::Tensor& reference_T, const at::Tensor& old_T,
                       const KlOptions& options);

}  // namespace caravan::losses
