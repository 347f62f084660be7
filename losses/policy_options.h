// Which policy gradient, which estimate of divergence, which spread: names and numbers without tensors, so
// that recipes can be read without LibTorch. What they mean: policy_gradient.h, kl.h, advantages.h.
#pragma once

#include <array>
#include <optional>
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

enum class PolicyLoss {
  kClip,               // -min(r A, clip(r) A)                     PPO arXiv 1707.06347, GRPO 2402.03300
  kCispo,              // -sg(min(r, epsilon_high)) A log p        ScaleRL arXiv 2510.13786
  kCispoMinimax,       // the same with clip(r, 1 - low, 1 + high) MiniMax-M1 arXiv 2506.13585
  kCispoOpenInstruct,  // the same with min(r, 1 + high)
  kSapo,               // -sigma(t (r - 1)) 4 / t A                arXiv 2511.20347
  kVespo,              // -sg(phi(product of r)) A log p           arXiv 2602.10693
  kGmpo,               // -(geometric mean of clipped r) A         arXiv 2507.20673
  kReinforce,          // -A log p
};
constexpr std::array<std::string_view, 8> choice_names(PolicyLoss) {
  return {"clip", "cispo", "cispo_minimax", "cispo_open_instruct", "sapo", "vespo", "gmpo", "reinforce"};
}

// Over what r is taken: a token; a completion's average (GSPO, arXiv 2507.18071); a completion's sum (RLOO).
enum class RatioLevel { kToken, kSequence, kSequenceSum };
constexpr std::array<std::string_view, 3> choice_names(RatioLevel) {
  return {"token", "sequence", "sequence_sum"};
}

struct PolicyOptions {
  PolicyLoss loss = PolicyLoss::kClip;
  RatioLevel ratio = RatioLevel::kToken;
  double epsilon_low = 0.2, epsilon_high = 0.2;
  double delta = 0.0;      // > 0: the unclipped r is held below it (INTELLECT-2, arXiv 2505.07291)
  double dual_clip = 0.0;  // > 1: where A < 0 the objective is not below dual_clip A (arXiv 1912.09729)
  double beta = 0.0;       // weight of the divergence from the reference in the loss
  KlOptions kl;
  double sapo_temperature_pos = 1.0, sapo_temperature_neg = 1.05;
  double vespo_k_pos = 2.0, vespo_lambda_pos = 3.0, vespo_k_neg = 3.0, vespo_lambda_neg = 2.0;
  // Completions with A < 0 whose mean of sampling - policy is above it teach nothing (arXiv 2512.02556).
  std::optional<double> off_policy_mask_threshold = {};
  // Only this share of the given tokens, those of highest entropy, keeps its policy term (arXiv 2506.01939).
  double top_entropy_share = 1.0;
  double entropy_coefficient = 0.0;
};

// How token losses become one number: by a weight per token and a count to divide by.
enum class PolicyReduction {
  kTokenMean,     // count: tokens (BNPO, DAPO)
  kSequenceMean,  // count: completions, each averaged over its own tokens (GRPO, GMPO)
  kSequenceSum,   // count: completions (LUSPO, arXiv 2602.05261)
  kConstant,      // count: completions times a constant length (Dr. GRPO, arXiv 2503.20783)
};
constexpr std::array<std::string_view, 4> choice_names(PolicyReduction) {
  return {"token_mean", "sequence_mean", "sequence_sum", "constant"};
}
// Correction for a sampler whose probabilities are not quite the trainer's.
enum class ImportanceMode { kTokenTruncate, kTokenMask, kSequenceTruncate, kSequenceMask };
constexpr std::array<std::string_view, 4> choice_names(ImportanceMode) {
  return {"token_truncate", "token_mask", "sequence_truncate", "sequence_mask"};
}

// What a group's centred rewards are divided by.
enum class GroupSpread { kUnbiased, kPopulation, kBatch, kNone };
constexpr std::array<std::string_view, 4> choice_names(GroupSpread) {
  return {"unbiased", "population", "batch", "none"};
}

}  // namespace caravan::losses
