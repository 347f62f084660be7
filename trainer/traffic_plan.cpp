#include "trainer/traffic_plan.h"

namespace caravan::trainer {

TrafficPlan plan_traffic(const models::LlamaConfig& config, const MemoryInputs& inputs,
                         std::int64_t micro_batches) {
  const UnitSizes unit(config);
  const std::int64_t ranks = inputs.ranks, rounds = (micro_batches + ranks - 1) / ranks,
                     all = count_parameters(config);
  const std::int64_t value = inputs.bf16 ? 2 : 4, gradient = inputs.single_micro_batch ? value : 4;
  const auto sent = [ranks](std::int64_t elements, std::int64_t bytes) {
    return static_cast<std::uint64_t>(elements * bytes / ranks * (ranks - 1));
  };
  TrafficPlan plan;
  if (uses_scratch(inputs)) {
    plan.gradients = static_cast<std::uint64_t>(rounds) * sent(all, gradient);
    if (inputs.shard == 0) plan.gradients += sent(all, gradient);
  } else {
    plan.gradients = (inputs.shard == 0 ? 2 : 1) * sent(all, gradient);
  }
  if (inputs.shard == 1 || inputs.shard == 2) plan.values = sent(all, value);
  // On the way back everything comes again but the embedding and what the loss held.
  if (inputs.shard >= 3)
    plan.values = static_cast<std::uint64_t>(rounds) * sent(2 * all - unit.embedding - unit.head, value);
  // A live reference of a step's micro-batches is gathered once more.
  if (inputs.shard >= 3 && inputs.live_reference)
    plan.values += static_cast<std::uint64_t>(rounds) * sent(all, value);
  return plan;
}

}  // namespace caravan::trainer
