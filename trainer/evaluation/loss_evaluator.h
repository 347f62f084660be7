// Loss on held-out rows.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "trainer/metrics/metric.h"
#include "trainer/trainer.h"

namespace caravan::trainer {

// Runs every step of `source` (one epoch) without gradients. Returns "eval/loss" (the objective's mean),
// "eval/perplexity" for cross entropy, the objective's metrics
// for other losses, "eval/documents", "eval/tokens". The model is not changed. Collective:
// micro-batches are dealt to ranks. `give_up` is told how many steps are done, of how many; where it says
// true, on all ranks alike, nothing is returned.
std::vector<MetricValue> evaluate_loss(
    Trainer& trainer, const Objective& objective, BatchSource& source,
    const std::function<bool(std::int64_t done, std::int64_t all)>& give_up = {});

}  // namespace caravan::trainer
