// The settings of a loss on labelled answers in a recipe.
#pragma once

#include "losses/unpaired_options.h"

namespace caravan::trainer {

struct UnpairedLossOptions {
  losses::UnpairedLoss name = losses::UnpairedLoss::kKto;
  double beta = 0.1;
  double desirable_weight = 1.0;
  double undesirable_weight = 1.0;
  bool operator==(const UnpairedLossOptions&) const = default;

  losses::UnpairedOptions loss_options() const { return {name, beta, desirable_weight, undesirable_weight}; }
  // Whether each answer is also asked about behind the prompt of another row.
  bool has_baseline() const { return name == losses::UnpairedLoss::kKto; }

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("name", name,
            {.help = "kto: against how far the policy has moved on answers to other prompts, one number a "
                     "step; apo_zero_unpaired: against nothing; losses/README.md"});
    v.field("beta", beta,
            {.help = "how strongly the policy is held to the reference",
             .min = 0,
             .max = 1000,
             .min_excluded = true});
    constexpr const char* kHelp =
        "of each such answer; with n1 good and n2 bad rows the paper wants n1 desirable_weight / (n2 "
        "undesirable_weight) in 1 to 4/3";
    v.field("desirable_weight", desirable_weight,
            {.help = kHelp, .min = 0, .max = 1000, .min_excluded = true});
    v.field("undesirable_weight", undesirable_weight,
            {.help = kHelp, .min = 0, .max = 1000, .min_excluded = true});
  }
};

}  // namespace caravan::trainer
