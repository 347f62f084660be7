// The settings of a loss on preference pairs in a recipe.
#pragma once

#include <vector>

#include "losses/preference_options.h"

namespace caravan::trainer {

// One more loss in a weighted sum.
struct PreferenceTermOptions {
  losses::PreferenceLoss name = losses::PreferenceLoss::kDpo;
  double weight = 1.0;
  bool operator==(const PreferenceTermOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("name", name, {.help = "a loss of losses/README.md", .required = true});
    v.field("weight", weight,
            {.help = "what it is multiplied with", .min = 0, .max = 1000, .min_excluded = true});
  }
};

struct PreferenceLossOptions {
  losses::PreferenceLoss name = losses::PreferenceLoss::kDpo;
  double weight = 1.0;
  std::vector<PreferenceTermOptions> further = {};
  double beta = 0.1;
  double label_smoothing = 0.0;
  double gamma_beta_ratio = 0.0;
  double simpo_alpha = 0.0;
  double discopop_tau = 0.05;
  losses::Divergence divergence = losses::Divergence::kReverseKl;
  double divergence_alpha = 0.5;
  bool reference_free = false;
  double nll_weight = 0.0;  // RPO, CPO, ORPO: of the chosen answer's likelihood, over its own tokens
  double ld_alpha = 1.0;    // LD-DPO; 1: off
  bool wpo = false;
  bool operator==(const PreferenceLossOptions&) const = default;

  // As the functions of losses take them.
  losses::PreferenceOptions loss_options() const;
  // Whether log-probabilities of a reference must come with the batches.
  bool needs_reference() const;
  // Throws Error(kUsage) naming the setting that cannot be honoured.
  void check() const;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field(
        "name", name,
        {.help =
             "loss on a pair: losses/README.md has formulas and papers; Tülu 3 takes dpo_norm with beta 5"});
    v.field(
        "weight", weight,
        {.help = "what the loss is multiplied with in a sum", .min = 0, .max = 1000, .min_excluded = true});
    v.list("further", further, {.help = "losses that are added to it"});
    v.field(
        "beta", beta,
        {.help =
             "how strongly the policy is held to the reference; of simpo and orpo the scale of the margin",
         .min = 0,
         .max = 1000,
         .min_excluded = true});
    v.field("label_smoothing", label_smoothing,
            {.help = "share of pairs taken to be labelled the wrong way (cDPO, robust); epsilon of exo_pair",
             .min = 0,
             .max = 0.5,
             .max_excluded = true});
    v.field("gamma_beta_ratio", gamma_beta_ratio,
            {.help = "target margin of simpo, divided by beta", .min = 0});
    v.field("simpo_alpha", simpo_alpha, {.help = "AlphaPO's alpha in simpo; 0: plain SimPO"});
    v.field(
        "discopop_tau", discopop_tau,
        {.help = "temperature of discopop", .min = 0, .max = 1, .min_excluded = true, .max_excluded = true});
    v.field("divergence", divergence, {.help = "what takes the place of log-ratios (f-DPO)"});
    v.field("divergence_alpha", divergence_alpha, {.help = "alpha of alpha_divergence, as in TRL"});
    v.field("reference_free", reference_free, {.help = "the reference's log-probabilities count as 0"});
    v.field("nll_weight", nll_weight,
            {.help = "weight of the chosen answer's negative log-likelihood per token (RPO, CPO, ORPO)",
             .min = 0,
             .max = 1000});
    v.field("ld_alpha", ld_alpha,
            {.help = "weight of tokens beyond the shorter answer's length (LD-DPO); 1: all weigh the same",
             .min = 0,
             .max = 1});
    v.field("wpo", wpo, {.help = "weigh a pair by how likely the policy is to write it, at most 1 (WPO)"});
  }
};

}  // namespace caravan::trainer
