// How much memory a training run will take, worked out before any of it is taken.
//
// Goals: the parts that grow with the model and the batch, each by the rule of the code that allocates it, so
// that what cannot fit is refused instead of killed. Non-goals: small change; memory of data, which is
// mapped. Free of LibTorch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/llama/config.h"

namespace caravan::trainer {

// What decides it, beside the model.
struct MemoryInputs {
  bool bf16 = true;                  // values and activations; else fp32
  std::int64_t micro_tokens = 0;     // of one pass
  std::int64_t recompute_every = 0;  // as model.recompute
  bool single_micro_batch = false;   // gradients in the dtype of the values, nothing to add
  bool ordered = true;               // run.deterministic: gradients are added in a fixed order
  std::int64_t shard = 0;            // distributed.shard
  std::int64_t ranks = 1;
  bool on_host = true;  // the device is the host, which also holds the copy of a checkpoint
  std::uint64_t program_bytes = 121u << 20;  // what the program itself holds before it begins, on a host
  bool live_reference = false;               // a frozen copy of the model beside it
  bool moving_reference = false;             // it follows the policy: checkpoints keep it
  std::int64_t kept_logits_bytes = 0;        // of losses on whole answers: objectives/kept_logits.h
  bool saves_meanwhile = true;  // checkpoints are written while training goes on, not at its end alone
  // Of a stage that samples.
  std::optional<models::LlamaConfig> value_model = {};   // trained beside it
  std::optional<models::LlamaConfig> reward_model = {};  // frozen
  std::int64_t sampled_sequences = 0;                    // that a rank generates together
  std::int64_t sampled_tokens = 0;                       // of a prompt and its completion, at most
  std::int64_t sampled_prompt = 0;                       // of all prompts that are read for them
};

// Whether gradients go from a buffer of the micro-batch into the sum, as UnitShards decides.
bool uses_scratch(const MemoryInputs& inputs);

// Elements of the units that are gathered and summed as one: the largest block stands for all.
struct UnitSizes {
  explicit UnitSizes(const models::LlamaConfig& config);
  std::int64_t embedding = 0, block = 0, head = 0;  // the head with the final norm
  bool tied;
};

// Bytes on the device of one rank at one moment of a step.
struct MemoryPlan {
  std::string_view moment;
  std::uint64_t parameters = 0;       // values
  std::uint64_t reference = 0;        // values of a frozen copy, sharded like the model's
  std::uint64_t value_model = 0;      // values, gradients and moments of a second model that is trained
  std::uint64_t reward_model = 0;     // values
  std::uint64_t kv_cache = 0;         // keys and values of completions that are sampled
  std::uint64_t gradients = 0;        // sums and scratch
  std::uint64_t optimizer = 0;        // moments, and the remainders of bf16 values
  std::uint64_t activations = 0;      // of one pass, kept for the way back, and the largest working space
  std::uint64_t logits = 0;           // a chunk of the head's
  std::uint64_t checkpoint_copy = 0;  // written while training goes on
  std::uint64_t program = 0;          // code and generated kernels

  std::uint64_t peak() const;
};
// The moments of a step at which most is held: the loss, the way back through the last blocks, the way from
// one micro-batch to the next, and the update; of a stage that samples also the sampling, and the value
// model's own step at its largest.
std::vector<MemoryPlan> plan_moments(const models::LlamaConfig& config, const MemoryInputs& inputs);
// The one at which most is held.
MemoryPlan plan_memory(const models::LlamaConfig& config, const MemoryInputs& inputs);
std::int64_t count_parameters(const models::LlamaConfig& config);

// "18.7 GiB: parameters 2.5, gradients 5.0, optimizer 12.4, ...": the parts of at least a tenth of the peak.
std::string describe(const MemoryPlan& plan);

// Of one rank on a host: what is available now, within control groups and ulimit -v, shared by `local_ranks`.
std::uint64_t free_host_memory(std::int64_t local_ranks);

// Throws Error (71) where the peak is over `free_bytes`, with both numbers and the smallest change of the
// recipe that would fit: first recomputing, then passes as short as `longest_document` allows. `where` names
// the memory: "this machine".
void require_memory(const models::LlamaConfig& config, const MemoryInputs& inputs,
                    std::int64_t longest_document, std::uint64_t free_bytes, const std::string& where);

}  // namespace caravan::trainer
