#include "trainer/memory_plan.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "models/llama/parameter_shapes.h"
#include "trainer/error.h"
#include "trainer/metrics/console_sink.h"
#include "trainer/metrics/host_facts.h"
#include "trainer/metrics/process_memory.h"

namespace caravan::trainer {

namespace {

using models::LlamaConfig;

// As losses/linear_cross_entropy.h: logits at a time, fp32 rows of a chunk's terms aside.
constexpr std::uint64_t kLogitsBytes = 32u << 20;
constexpr std::uint64_t kProgramBytes = 192u << 20;

std::int64_t elements(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  return count;
}

// Embedding, each block, and the head with the final norm: what is gathered and summed as one.
std::vector<std::int64_t> unit_sizes(const LlamaConfig& config) {
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(config.num_hidden_layers) + 2, 0);
  constexpr std::string_view kLayers = "model.layers.";
  for (const models::TensorShape& tensor : models::llama_parameter_shapes(config)) {
    std::size_t unit = sizes.size() - 1;
    if (tensor.name.starts_with(kLayers))
      unit = 1 + std::stoul(tensor.name.substr(kLayers.size()));
    else if (tensor.name.find("embed_tokens") != std::string::npos)
      unit = 0;
    sizes[unit] += elements(tensor.shape);
  }
  return sizes;
}

// Elements a token of what one block keeps for its way back: what the functions of models/ops save. The
// block's input is the output of the one before.
std::int64_t kept_per_token(const LlamaConfig& config) {
  const std::int64_t heads = config.num_attention_heads * config.head_dim,
                     qkv = heads + 2 * config.num_key_value_heads * config.head_dim,
                     width = config.hidden_size, inner = config.intermediate_size;
  const bool normed = config.qk_norm() != models::QkNorm::kNone;
  const bool post = config.norm_placement() == models::NormPlacement::kPost;
  return qkv * (normed ? 2 : 1) + heads + 2 * width + 2 * inner + (post ? 2 * width : 0);
}

// Elements a token that a block's way back works with beside what is kept: gradients of the MLP's inner rows,
// their activation, and a few rows of the width.
std::int64_t working_per_token(const LlamaConfig& config) {
  return 4 * config.intermediate_size + 4 * config.hidden_size;
}

std::uint64_t activation_bytes(const LlamaConfig& config, const MemoryInputs& inputs) {
  const std::int64_t layers = config.num_hidden_layers, every = inputs.recompute_every;
  const std::int64_t recomputed = every > 0 ? (layers + every - 1) / every : 0;
  // A block that is computed again keeps its input alone, and for its own turn all the rest.
  const std::int64_t whole = layers - recomputed + (recomputed > 0 ? 1 : 0);
  const std::int64_t per_token = whole * kept_per_token(config) + recomputed * config.hidden_size +
                                 working_per_token(config) + 6 * config.hidden_size;
  const std::int64_t sums = 4 * config.num_attention_heads * whole;  // of attention, in fp32
  return static_cast<std::uint64_t>(inputs.micro_tokens * (per_token * (inputs.bf16 ? 2 : 4) + sums));
}

}  // namespace

std::int64_t count_parameters(const LlamaConfig& config) {
  std::int64_t count = 0;
  for (const std::int64_t size : unit_sizes(config)) count += size;
  return count;
}

std::uint64_t MemoryPlan::peak() const {
  return parameters + gradients + optimizer + program + std::max(activations + logits, checkpoint_copy);
}

MemoryPlan plan_memory(const LlamaConfig& config, const MemoryInputs& inputs) {
  std::vector<std::int64_t> units = unit_sizes(config);
  std::sort(units.rbegin(), units.rend());
  const std::int64_t all = count_parameters(config), own = all / inputs.ranks,
                     two = units[0] + (units.size() > 1 ? units[1] : 0);
  const std::int64_t value = inputs.bf16 ? 2 : 4, gradient = inputs.single_micro_batch ? value : 4;
  const std::int64_t moments = 8 + (inputs.bf16 ? 2 : 0);
  const bool scratch = inputs.shard >= 2 || (inputs.ordered && !inputs.single_micro_batch);
  const auto bytes = [](std::int64_t count, std::int64_t each) {
    return static_cast<std::uint64_t>(count * each);
  };
  MemoryPlan plan;
  // Sharded values: the own part, and the units that are whole while they and their neighbour compute.
  plan.parameters = inputs.shard >= 3 ? bytes(own + two, value) : bytes(all, value);
  plan.gradients = bytes(inputs.shard == 0 ? all : own, gradient);
  if (scratch)
    plan.gradients += bytes(two, gradient);
  else if (inputs.shard == 1)
    plan.gradients += bytes(all, gradient);
  plan.optimizer = bytes(inputs.shard == 0 ? all : own, moments);
  plan.activations = activation_bytes(config, inputs);
  const std::int64_t row = config.vocab_size * value;
  plan.logits = std::max(kLogitsBytes, bytes(64, row)) + bytes(config.vocab_size, 4);
  plan.checkpoint_copy = inputs.on_host ? bytes(own, value + moments) : 0;
  plan.program = kProgramBytes;
  return plan;
}

std::string describe(const MemoryPlan& plan) {
  const double peak = static_cast<double>(plan.peak());
  std::string text = format_gibibytes(peak);
  const std::array<std::pair<const char*, std::uint64_t>, 6> parts{
      {{"parameters", plan.parameters},
       {"gradients", plan.gradients},
       {"optimizer", plan.optimizer},
       {"activations", plan.activations},
       {"logits", plan.logits},
       {"copy of a checkpoint", plan.checkpoint_copy}}};
  const char* separator = ": ";
  for (const auto& [name, size] : parts) {
    if (static_cast<double>(size) < 0.1 * peak) continue;
    text += std::exchange(separator, ", ");
    text += std::string(name) + " " + format_gibibytes(static_cast<double>(size));
  }
  return text;
}

std::uint64_t free_host_memory(std::int64_t local_ranks) {
  std::uint64_t free = read_host_facts().usable_memory_bytes;
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    const std::uint64_t used = read_process_memory().address_bytes, most = limit.rlim_cur;
    free = std::min(free, most > used ? most - used : 0);
  }
  return free / static_cast<std::uint64_t>(std::max<std::int64_t>(1, local_ranks));
}

void require_memory(const LlamaConfig& config, const MemoryInputs& inputs, std::int64_t longest_document,
                    std::uint64_t free_bytes, const std::string& where) {
  const MemoryPlan plan = plan_memory(config, inputs);
  if (plan.peak() <= free_bytes || free_bytes == 0) return;
  const auto fits = [&](bool recompute, bool shorter) {
    MemoryInputs tried = inputs;
    if (recompute) tried.recompute_every = 1;
    if (shorter) tried.micro_tokens = std::min(inputs.micro_tokens, longest_document);
    return plan_memory(config, tried).peak() <= free_bytes;
  };
  const std::string shorter = "batch.micro_tokens=" + std::to_string(longest_document);
  std::string advice;
  if (fits(true, false))
    advice = "model.recompute=all would fit, with the same result in a third more time";
  else if (fits(false, true))
    advice = shorter + " would fit, with the same result";
  else if (fits(true, true))
    advice = "model.recompute=all and " + shorter + " would fit, with the same result";
  else
    advice =
        "parameters, gradients and optimizer alone are too large here: free memory, train a smaller model, "
        "or spread this one over machines (distributed.shard=3)";
  throw Error(Error::Kind::kOutOfMemory, "out of memory before the first step: training " +
                                             with_thousands(static_cast<double>(count_parameters(config))) +
                                             " parameters takes about " + describe(plan) + "; " + where +
                                             " has " + format_gibibytes(static_cast<double>(free_bytes)) +
                                             " free; " + advice);
}

}  // namespace caravan::trainer
