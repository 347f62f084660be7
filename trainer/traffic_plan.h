// How many bytes a rank sends in a step, by the rules of UnitShards. Free of LibTorch.
#pragma once

#include <cstdint>

#include "models/llama/config.h"
#include "trainer/memory_plan.h"

namespace caravan::trainer {

struct TrafficPlan {
  std::uint64_t values = 0;     // parts of parameters, gathered
  std::uint64_t gradients = 0;  // to those who sum them, and back where all keep them
  std::uint64_t total() const { return values + gradients; }
};

// Of one rank and one step of `micro_batches`; as much is received. Rings and parts alike: (R - 1) / R of
// what travels.
TrafficPlan plan_traffic(const models::LlamaConfig& config, const MemoryInputs& inputs,
                         std::int64_t micro_batches);

}  // namespace caravan::trainer
