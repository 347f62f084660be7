// The loss of a reward model on pairs of scores: Bradley and Terry's, with a margin and centring.
//
// Promise: the sum over pairs and its gradient, finite for any finite scores.
#pragma once

#include <ATen/core/Tensor.h>

namespace caravan::losses {

// All [B], B pairs, floating, of one dtype and device; so is the result.
struct PairScores {
  at::Tensor chosen_B, rejected_B;
  at::Tensor margin_B = {};  // by how much chosen should win, where ratings say so; undefined: 0
};

struct PairScoresResult {
  at::Tensor loss_B, d_chosen_B, d_rejected_B;  // the gradients are those of the sum of loss_B
};

// -log sigmoid(chosen - rejected - margin) + centring (chosen + rejected)^2 (margins: arXiv 2307.09288): the
// second part holds scores near 0, which the first leaves free (arXiv 2312.09244). Throws c10::ValueError
// where centring is below 0.
PairScoresResult bradley_terry(const PairScores& scores, double centring);

}  // namespace caravan::losses
