// Completions of a rollout as the micro-batches that train on them.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "data/loader/micro_batch.h"
#include "data/loader/prompt_set.h"
#include "trainer/rollout/rollout_advantages.h"

namespace caravan::trainer {

struct RolloutBatchOptions {
  std::int64_t micro_tokens = 0;  // most tokens in a micro-batch
  // Completions of one prompt in one micro-batch share it: the first carries its tokens, the others begin
  // with a copy of its last one and see the rest as their prefix. Else each carries all of it.
  bool share_prompts = true;
  bool has_reference = false, has_values = false;  // the numbers of these models go along
};

// Every trajectory once, as few micro-batches as best fit finds; document_indices are places in
// `trajectories`. Trained are the targets that were sampled. `prompt_of` gives the prompt of an index. Throws
// std::invalid_argument where a prompt and its completion are longer than micro_tokens.
std::vector<data::MicroBatch> rollout_batches(
    const std::vector<const Trajectory*>& trajectories,
    const std::function<const data::Prompt&(std::uint32_t)>& prompt_of, const RolloutBatchOptions& options);

}  // namespace caravan::trainer
