// The names and settings of the losses on pairs, without a tensor: what a recipe says and what is checked
// before anything is loaded.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace caravan::losses {

// One value, one name, one line in traits_of, one row in the table of preference.cpp.
enum class PreferenceLoss {
  kDpo,
  kDpoNorm,
  kSigmoidNorm,
  kIpo,
  kIpoSum,
  kHinge,
  kRobust,
  kSimpo,
  kOrpo,
  kCpo,
  kExoPair,
  kNcaPair,
  kBcoPair,
  kSppoHard,
  kAot,
  kAotUnpaired,
  kApoZero,
  kApoDown,
  kDiscopop,
  kNone,
};
constexpr std::array<std::string_view, 20> choice_names(PreferenceLoss) {
  return {"dpo",   "dpo_norm",     "sigmoid_norm", "ipo",      "ipo_sum",  "hinge",    "robust",
          "simpo", "orpo",         "cpo",          "exo_pair", "nca_pair", "bco_pair", "sppo_hard",
          "aot",   "aot_unpaired", "apo_zero",     "apo_down", "discopop", "none"};
}
// By its name, or by a name of the field for the same formula: sigmoid and cdpo are dpo.
std::optional<PreferenceLoss> preference_loss_named(std::string_view name);

// Scores that take the place of ratios (f-DPO, arXiv 2309.16240).
enum class Divergence { kReverseKl, kForwardKl, kJensenShannon, kAlpha };
constexpr std::array<std::string_view, 4> choice_names(Divergence) {
  return {"reverse_kl", "forward_kl", "js_divergence", "alpha_divergence"};
}

// What a loss looks at, so that a set-up can be refused before it runs.
struct PreferenceTraits {
  bool reference = true;  // compares with the reference
  bool label_smoothing = false;
  bool divergence = false;
  bool sorts_batch = false;  // not a sum over pairs: its value depends on which pairs are given together
};
constexpr PreferenceTraits traits_of(PreferenceLoss loss) {
  using enum PreferenceLoss;
  switch (loss) {
    case kDpo:
    case kDpoNorm:
    case kSigmoidNorm:
    case kRobust:
    case kExoPair:
      return {.label_smoothing = true, .divergence = true};
    case kIpo:
    case kIpoSum:
    case kHinge:
    case kDiscopop:
      return {.divergence = true};
    case kSimpo:
    case kCpo:
      return {.reference = false, .label_smoothing = true};
    case kOrpo:
    case kNone:
      return {.reference = false};
    case kAot:
    case kAotUnpaired:
      return {.label_smoothing = true, .sorts_batch = true};
    case kNcaPair:
    case kBcoPair:
    case kSppoHard:
    case kApoZero:
    case kApoDown:
      break;
  }
  return {};
}

struct PreferenceTerm {
  PreferenceLoss loss = PreferenceLoss::kDpo;
  double weight = 1.0;
};

struct PreferenceOptions {
  std::vector<PreferenceTerm> terms{{}};  // their weighted sum
  double beta = 0.1;
  double label_smoothing = 0.0;   // share of pairs taken to be labelled the wrong way; epsilon of exo_pair
  double gamma_beta_ratio = 0.0;  // target margin of simpo, divided by beta
  double simpo_alpha = 0.0;       // AlphaPO, arXiv 2501.03884; 0: plain log-probabilities
  double discopop_tau = 0.05;
  Divergence divergence = Divergence::kReverseKl;
  double divergence_alpha = 0.5;
  bool reference_free = false;  // every reference log-probability counts as 0
  double nll_weight = 0.0;      // of the chosen completion's negative log-likelihood (rpo_alpha, cpo_alpha)
};

// What is wrong with them: beta or weights that are not above 0, a smoothing outside the loss's range, a
// setting that no term uses. Empty: nothing.
std::string problem_of(const PreferenceOptions& options);

}  // namespace caravan::losses
