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
constexpr std::int64_t kLogitsBytes = 32 << 20;
// On a GPU a chunk is larger, and softmax makes three of it in fp32.
constexpr std::int64_t kDeviceLogitsBytes = 256 << 20, kDeviceCopies = 3;
// Context and libraries of a GPU.
constexpr std::uint64_t kDeviceProgramBytes = 1u << 30;
// Code that oneDNN generates, and Gloo's threads.
constexpr std::uint64_t kGeneratedBytes = 43u << 20, kGlooBytes = 6u << 20;

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

// Widths of what a token has in a block.
struct Widths {
  explicit Widths(const LlamaConfig& config)
      : heads(config.num_attention_heads * config.head_dim),
        qkv(heads + 2 * config.num_key_value_heads * config.head_dim),
        model(config.hidden_size),
        inner(config.intermediate_size) {}
  std::int64_t heads, qkv, model, inner;
};

std::uint64_t unsigned_of(std::int64_t bytes) {
  return static_cast<std::uint64_t>(bytes);
}

// What the passes of one rank allocate, by the rules of the code that does it. `value`: bytes of an element.
class PassMemory {
 public:
  PassMemory(const LlamaConfig& config, const MemoryInputs& inputs)
      : config_(config),
        inputs_(inputs),
        width_(config),
        value_(inputs.bf16 ? 2 : 4),
        tokens_((inputs.micro_tokens + 31) / 32 * 32) {}

  // Of one block for its way back, its output included and its input not: what the functions of models/ops
  // save.
  std::int64_t kept_of_block() const {
    const bool normed = config_.qk_norm() != models::QkNorm::kNone,
               post = config_.norm_placement() == models::NormPlacement::kPost;
    const std::int64_t elements = width_.qkv * (normed ? 2 : 1) + width_.heads + 2 * width_.model +
                                  2 * width_.inner + (post ? 2 * width_.model : 0);
    const std::int64_t sums = 4 * (config_.num_attention_heads + 2);  // of attention and norms, in fp32
    return tokens_ * (elements * value_ + sums);
  }
  // Of all blocks, where some are computed again.
  std::int64_t kept() const {
    const std::int64_t layers = config_.num_hidden_layers, again = recomputed();
    return row() + (layers - again) * kept_of_block() + again * row();
  }
  // While the last block goes back, beside what is kept: first the MLP's inner rows, then a weight's gradient
  // before it is added.
  std::int64_t going_back() const {
    const std::int64_t inner = tokens_ * width_.inner * value_;
    const std::int64_t largest =
        std::max({row() + 3 * inner, row() + inner + gradient_of(width_.inner, width_.model, tokens_),
                  2 * row() + gradient_of(2 * width_.inner, width_.model, tokens_), 3 * row()});
    return largest + (recomputed() > 0 ? kept_of_block() - row() : 0);
  }
  // Rows that the loss copies, and their gradients.
  std::int64_t at_the_head() const { return 3 * row(); }
  std::int64_t logits() const {
    const std::int64_t chunk = inputs_.on_host ? kLogitsBytes : kDeviceLogitsBytes;
    const std::int64_t of_row = config_.head_rows() * value_,
                       rows = std::clamp<std::int64_t>(chunk / of_row / 64 * 64, 64, 1 << 16);
    const std::int64_t made = inputs_.on_host ? 0 : kDeviceCopies * config_.head_rows() * 4;
    const std::int64_t count = std::min(rows, tokens_),
                       kept = std::min(inputs_.kept_logits_bytes / of_row, tokens_);
    return std::max(count, kept) * (of_row + width_.model * value_) + count * made +
           gradient_of(config_.head_rows(), width_.model, count);
  }

 private:
  std::int64_t row() const { return tokens_ * width_.model * value_; }
  std::int64_t recomputed() const {
    const std::int64_t every = inputs_.recompute_every;
    return every > 0 ? (config_.num_hidden_layers + every - 1) / every : 0;
  }
  // Of a weight [outputs, inputs] before it is added. Products of bf16 add to gradients of their own dtype in
  // place; those of fp32 turn both operands first.
  std::int64_t gradient_of(std::int64_t outputs, std::int64_t inputs, std::int64_t rows) const {
    if (inputs_.bf16) return inputs_.single_micro_batch ? 0 : outputs * inputs * value_;
    return (outputs * inputs + (inputs_.on_host ? rows * (outputs + inputs) : 0)) * value_;
  }

  const LlamaConfig& config_;
  const MemoryInputs& inputs_;
  Widths width_;
  std::int64_t value_, tokens_;
};

}  // namespace

UnitSizes::UnitSizes(const LlamaConfig& config) : tied(config.tie_word_embeddings) {
  const std::vector<std::int64_t> sizes = unit_sizes(config);
  embedding = sizes.front();
  head = sizes.back();
  block = *std::max_element(sizes.begin() + 1, sizes.end() - 1);
}

bool uses_scratch(const MemoryInputs& inputs) {
  return (inputs.ranks > 1 && inputs.shard >= 2) || (inputs.ordered && !inputs.single_micro_batch);
}

std::int64_t count_parameters(const LlamaConfig& config) {
  std::int64_t count = 0;
  for (const std::int64_t size : unit_sizes(config)) count += size;
  return count;
}

std::uint64_t MemoryPlan::peak() const {
  return parameters + reference + value_model + reward_model + kv_cache + gradients + optimizer + program +
         activations + logits + checkpoint_copy;
}

namespace {

// Elements that are whole for a while: where they are gathered (values), or not yet in the sum (scratch).
// What is on its way to other ranks is there twice, but for sums that NCCL makes in its own order. What Gloo
// gathers is there twice too, and units that come and go leave gaps of about two blocks.
struct WholeUnits {
  std::int64_t values = 0, scratch = 0;
};
struct UnitTraffic {
  UnitTraffic(const LlamaConfig& config, const MemoryInputs& inputs) : unit(config), on_host(inputs.on_host) {
    if (inputs.ranks > 1) on_the_way = inputs.ordered || inputs.on_host ? 2 : 1;
  }
  WholeUnits at_the_loss() const {
    const std::int64_t head = unit.tied ? unit.embedding : unit.head;
    return {head, head};
  }
  WholeUnits on_the_way_back() const {
    const std::int64_t kept = unit.tied ? unit.embedding : 0;
    return {kept + 2 * unit.block, kept + (1 + on_the_way) * unit.block};
  }
  WholeUnits between_micro_batches() const {
    const std::int64_t gaps = on_host ? on_the_way * unit.block : 0;
    return {(on_host ? 2 : 1) * unit.embedding + unit.block,
            (on_the_way > 1 ? 2 : 1) * unit.embedding + (unit.tied ? 2 : 1) * on_the_way * unit.block + gaps};
  }
  UnitSizes unit;
  bool on_host;
  std::int64_t on_the_way = 0;  // times that a block of one more unit is there
};

struct Held {
  Held(const LlamaConfig& config, const MemoryInputs& inputs)
      : shard(inputs.ranks > 1 ? inputs.shard : 0),
        all(count_parameters(config)),
        own((all + inputs.ranks - 1) / inputs.ranks),
        value(inputs.bf16 ? 2 : 4),
        moments(8 + (inputs.bf16 ? 2 : 0)) {}
  std::int64_t shard, all, own;
  std::int64_t value, moments;  // bytes of an element
};

// Its walk is over before another's begins; at stage 3 the units of its end and its head stay gathered.
std::int64_t frozen_bytes(const LlamaConfig& config, const MemoryInputs& inputs) {
  const Held held(config, inputs);
  const UnitTraffic units(config, inputs);
  return (held.shard >= 3 ? held.own + units.at_the_loss().values + units.unit.head : held.all) * held.value;
}

// What a checkpoint copies of the model and, where it moves, of its reference.
std::int64_t copied_bytes(const LlamaConfig& config, const MemoryInputs& inputs) {
  if (!inputs.on_host || !inputs.saves_meanwhile) return 0;
  const Held held(config, inputs);
  const std::int64_t reference = inputs.moving_reference ? held.value + (inputs.bf16 ? 2 : 0) : 0;
  return held.own * (held.value + held.moments + reference);
}

// Of one model that is trained.
std::vector<MemoryPlan> moments_of_step(const LlamaConfig& config, const MemoryInputs& inputs) {
  const PassMemory pass(config, inputs);
  const UnitTraffic units(config, inputs);
  const Held held(config, inputs);
  const std::int64_t kept = held.shard == 0 ? held.all : held.own,
                     gradient = inputs.single_micro_batch ? held.value : 4;
  MemoryPlan base;
  base.optimizer = unsigned_of(kept * held.moments);
  base.program = inputs.on_host ? inputs.program_bytes + kGeneratedBytes + (inputs.ranks > 1 ? kGlooBytes : 0)
                                : kDeviceProgramBytes;
  base.checkpoint_copy = unsigned_of(copied_bytes(config, inputs));
  if (inputs.live_reference) base.reference = unsigned_of(frozen_bytes(config, inputs));
  if (inputs.moving_reference && inputs.bf16) base.reference += unsigned_of(2 * kept);
  const auto with = [&](std::string_view moment, const WholeUnits& whole, std::int64_t activations,
                        std::int64_t logits) {
    MemoryPlan plan = base;
    plan.moment = moment;
    plan.parameters = unsigned_of((held.shard >= 3 ? held.own + whole.values : held.all) * held.value);
    plan.gradients = unsigned_of(kept * gradient);
    if (uses_scratch(inputs))
      plan.gradients += unsigned_of(whole.scratch * gradient);
    else if (held.shard == 1)
      plan.gradients += unsigned_of(held.all * gradient);
    plan.activations = unsigned_of(activations);
    plan.logits = unsigned_of(logits);
    return plan;
  };
  std::vector<MemoryPlan> plans{
      with("loss", units.at_the_loss(), pass.kept() + pass.at_the_head(), pass.logits()),
      with("way back", units.on_the_way_back(), pass.kept() + pass.going_back(), 0),
      with("between passes", units.between_micro_batches(), 0, 0), with("update", {}, 0, 0)};
  // Gloo's sums of all gradients are there beside them.
  if (held.shard == 1 && !uses_scratch(inputs) && inputs.on_host)
    plans.back().gradients += unsigned_of(held.all * gradient);
  return plans;
}

const MemoryPlan& largest_of(const std::vector<MemoryPlan>& plans) {
  return *std::max_element(plans.begin(), plans.end(),
                           [](const MemoryPlan& a, const MemoryPlan& b) { return a.peak() < b.peak(); });
}

// Nothing but what is held between steps, and the gradients.
const MemoryPlan& update_of(const std::vector<MemoryPlan>& plans) {
  return *std::ranges::find(plans, "update", &MemoryPlan::moment);
}

// The policy rests while it samples, but for what it computes with. `rest`: what is held between steps.
MemoryPlan sampling_moment(const LlamaConfig& config, const MemoryInputs& inputs, const MemoryPlan& rest) {
  // Of models/generation: prompts that are read in one pass, and tokens of a page of the cache.
  constexpr std::int64_t kPrefillTokens = 4096, kPageTokens = 64;
  const Held held(config, inputs);
  const UnitTraffic units(config, inputs);
  const Widths width(config);
  const std::int64_t pages = (inputs.sampled_tokens + kPageTokens - 1) / kPageTokens,
                     token = 2 * config.num_key_value_heads * config.head_dim * config.num_hidden_layers,
                     most = std::max(kPrefillTokens, inputs.sampled_tokens),
                     read = std::max(inputs.sampled_sequences, std::min(inputs.sampled_prompt, most));
  MemoryPlan plan = rest;
  plan.moment = "sampling";
  if (held.shard >= 3)
    plan.parameters += unsigned_of((units.at_the_loss().values + 2 * units.unit.block) * held.value);
  plan.kv_cache = unsigned_of(inputs.sampled_sequences * pages * kPageTokens * token * held.value);
  plan.activations =
      unsigned_of(read * (2 * width.qkv + width.heads + 3 * width.model + 3 * width.inner) * held.value);
  plan.logits = unsigned_of(inputs.sampled_sequences * config.head_rows() * (held.value + 4));
  return plan;
}

// A trained model beside the policy: what of it is there while the policy is at work, and its own step.
void add_value_model(const MemoryInputs& inputs, std::vector<MemoryPlan>& plans) {
  MemoryInputs own = inputs;
  own.live_reference = own.moving_reference = false;
  own.kept_logits_bytes = 0;
  const auto of_value = [](const MemoryPlan& plan) {
    return plan.parameters + plan.gradients + plan.optimizer;
  };
  const std::vector<MemoryPlan> moments = moments_of_step(*inputs.value_model, own);
  const MemoryPlan &rest = update_of(moments), &most = largest_of(moments);
  for (MemoryPlan& plan : plans) {
    plan.value_model = of_value(rest);
    plan.checkpoint_copy += rest.checkpoint_copy;
  }
  MemoryPlan step = update_of(plans);
  step.moment = "value step";
  step.value_model = of_value(most);
  step.activations = most.activations;
  step.logits = most.logits;
  plans.push_back(step);
}

}  // namespace

std::vector<MemoryPlan> plan_moments(const LlamaConfig& config, const MemoryInputs& inputs) {
  std::vector<MemoryPlan> plans = moments_of_step(config, inputs);
  if (inputs.sampled_sequences > 0) plans.push_back(sampling_moment(config, inputs, update_of(plans)));
  if (inputs.value_model) add_value_model(inputs, plans);
  if (inputs.reward_model)
    for (MemoryPlan& plan : plans)
      plan.reward_model = unsigned_of(frozen_bytes(*inputs.reward_model, inputs));
  return plans;
}

MemoryPlan plan_memory(const LlamaConfig& config, const MemoryInputs& inputs) {
  return largest_of(plan_moments(config, inputs));
}

std::string describe(const MemoryPlan& plan) {
  const double peak = static_cast<double>(plan.peak());
  std::string text = format_gibibytes(peak);
  const std::array<std::pair<const char*, std::uint64_t>, 10> parts{
      {{"parameters", plan.parameters},
       {"reference", plan.reference},
       {"value model", plan.value_model},
       {"reward model", plan.reward_model},
       {"keys and values of what is sampled", plan.kv_cache},
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

namespace {

// One change of a recipe that saves memory, as one writes it and what it costs.
struct Change {
  std::string text, cost;
  MemoryInputs inputs;
};

// From the smallest to the largest.
std::vector<Change> changes(const MemoryInputs& inputs, std::int64_t longest_document) {
  std::vector<Change> single;
  const std::string same = "with the same result";
  if (inputs.ranks > 1)
    for (std::int64_t shard = inputs.shard + 1; shard <= 3; ++shard) {
      single.push_back({"distributed.shard=" + std::to_string(shard), same, inputs});
      single.back().inputs.shard = shard;
    }
  if (inputs.recompute_every != 1) {
    single.push_back({"model.recompute=all", same + " in a third more time", inputs});
    single.back().inputs.recompute_every = 1;
  }
  if (inputs.micro_tokens > longest_document) {
    single.push_back({"batch.micro_tokens=" + std::to_string(longest_document), same, inputs});
    single.back().inputs.micro_tokens = longest_document;
  }
  std::vector<Change> all = single;
  // The strongest of each kind together: two of them, then all.
  const auto together = [&](bool shard, bool recompute, bool shorter) {
    Change change{"", "with the same result", inputs};
    const auto add = [&](bool wanted, const std::string& text) {
      if (wanted) change.text += (change.text.empty() ? "" : " and ") + text;
    };
    shard = shard && inputs.ranks > 1 && inputs.shard < 3;
    recompute = recompute && inputs.recompute_every != 1;
    shorter = shorter && inputs.micro_tokens > longest_document;
    if (shard) change.inputs.shard = 3;
    if (recompute) change.inputs.recompute_every = 1;
    if (shorter) change.inputs.micro_tokens = longest_document;
    add(shard, "distributed.shard=3");
    add(recompute, "model.recompute=all");
    add(shorter, "batch.micro_tokens=" + std::to_string(longest_document));
    if (recompute) change.cost += " in a third more time";
    if (!change.text.empty()) all.push_back(change);
  };
  together(true, false, true);
  together(true, true, false);
  together(false, true, true);
  together(true, true, true);
  return all;
}

std::string advice(const LlamaConfig& config, const MemoryInputs& inputs, std::int64_t longest_document,
                   std::uint64_t free_bytes) {
  const std::vector<Change> tried = changes(inputs, longest_document);
  for (const Change& change : tried)
    if (plan_memory(config, change.inputs).peak() <= free_bytes)
      return change.text + " would fit, " + change.cost;
  constexpr std::int64_t kMaxRanks = 1 << 16;
  for (std::int64_t ranks = std::max<std::int64_t>(2, 2 * inputs.ranks); ranks <= kMaxRanks; ranks *= 2) {
    MemoryInputs more = inputs;
    more.ranks = ranks;
    more.shard = 3;
    if (plan_memory(config, more).peak() <= free_bytes)
      return "with distributed.shard=3, " + std::to_string(ranks) + " ranks of as much would fit";
    more.recompute_every = 1;
    more.micro_tokens = std::min(inputs.micro_tokens, longest_document);
    if (plan_memory(config, more).peak() <= free_bytes)
      return "with distributed.shard=3, model.recompute=all and batch.micro_tokens=" +
             std::to_string(more.micro_tokens) + ", " + std::to_string(ranks) + " ranks of as much would fit";
  }
  return "one layer alone is too large here: free memory, or train a smaller model";
}

}  // namespace

void require_memory(const LlamaConfig& config, const MemoryInputs& inputs, std::int64_t longest_document,
                    std::uint64_t free_bytes, const std::string& where) {
  const MemoryPlan plan = plan_memory(config, inputs);
  if (plan.peak() <= free_bytes || free_bytes == 0) return;
  throw Error(Error::Kind::kOutOfMemory, "out of memory before the first step: training " +
                                             with_thousands(static_cast<double>(count_parameters(config))) +
                                             " parameters takes about " + describe(plan) + "; " + where +
                                             " has " + format_gibibytes(static_cast<double>(free_bytes)) +
                                             " free; " +
                                             advice(config, inputs, longest_document, free_bytes));
}

}  // namespace caravan::trainer
