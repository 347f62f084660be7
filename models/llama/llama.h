// The network: Llama 1-3.x, Mistral, Qwen2, Qwen3 and OLMo 2 as a list of units (embedding, L blocks, head).
//
// Promise: each unit is a function of its input and its own flat buffer of parameters, so a driver can run it
// on a detached leaf, gather its parameters before and release them after, and walk back through the units
// one by one. There is no forward() over all of them here. Sequences are packed documents [T, D]; see
// packed_layout.h. Not thread safe while parameters change.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "models/flat_unit.h"
#include "models/llama/config.h"
#include "models/ops/layer_functions.h"
#include "models/weights/hf_directory.h"

namespace caravan::models {

// How the buffers of units are made.
struct UnitMemory {
  bool whole = true;             // false: parameters have no memory yet; whoever shards them attaches it
  std::int64_t multiple = 1024;  // each buffer's size in elements: a share for every rank
};

class Llama {
 public:
  // Allocates parameters (zeros) in `dtype` (fp32 or bf16) on `device`.
  Llama(LlamaConfig config, at::ScalarType dtype, const at::Device& device, const UnitMemory& memory = {});

  const LlamaConfig& config() const { return config_; }
  at::ScalarType dtype() const { return dtype_; }
  const at::Device& device() const { return device_; }

  // Unit 0 is the embedding, 1 .. L the blocks, L + 1 the final norm and, where it is not tied, the head.
  std::vector<FlatUnit>& units() { return units_; }
  const std::vector<FlatUnit>& units() const { return units_; }
  std::int64_t num_parameters() const;  // without padding, tied once
  // Makes zeroed gradient buffers; without this call the model is frozen.
  void allocate_gradients(at::ScalarType dtype, bool with_memory = true);

  // Copies the weights of a checkpoint that was checked, converting the dtype. Throws models::Error.
  void load(const HfDirectory& directory);
  void load_unit(std::size_t unit, const HfDirectory& directory);
  // A new head of scores, small enough that the first ones are near 0: normal with deviation 1 / sqrt(width +
  // 1). The last unit must have its values.
  void initialize_scores(std::uint64_t seed);
  // Normal(0, initializer_range) matrices, ones for norms, zeros for biases; a pure function of seed and
  // parameter name.
  void initialize(std::uint64_t seed);
  void initialize_unit(std::size_t unit, std::uint64_t seed);

  // Rotary tables for these documents; shared by all blocks of the pass. Positions beyond
  // max_position_embeddings are an Error.
  std::shared_ptr<const AttentionContext> context(PackedLayout layout);

  // ids_T int64 -> hidden_TD.
  at::Tensor embed(const at::Tensor& ids_T) const;
  // Adds the gradient of the embedding rows; deterministic. Does nothing where the embedding is frozen.
  void embed_backward(const at::Tensor& ids_T, const at::Tensor& d_hidden_TD);
  // Block `layer` (from 0), differentiable in hidden_TD.
  at::Tensor block(std::int64_t layer, const at::Tensor& hidden_TD,
                   const std::shared_ptr<const AttentionContext>& context) const;
  at::Tensor final_norm(const at::Tensor& hidden_TD) const;

  // The pieces of a block, for generation with a cache: project, (rotate and attend elsewhere), finish.
  at::Tensor project_qkv(std::int64_t layer, const at::Tensor& hidden_TD) const;
  at::Tensor finish_block(std::int64_t layer, const at::Tensor& hidden_TD,
                          const at::Tensor& attended_THE) const;
  AttentionOptions attention_options(std::int64_t layer) const;

  // The output head [V, D]; the embedding where tied.
  Parameter head() const { return head_; }
  // logits of normed hidden rows; and back: returns d_hidden, adds the head's gradient.
  at::Tensor logits(const at::Tensor& hidden_TD) const;
  at::Tensor logits_backward(const at::Tensor& d_logits_TV, const at::Tensor& hidden_TD) const;

 private:
  struct Block {
    Parameter input_norm, qkv, qkv_bias, q_norm, k_norm, o, o_bias, post_attention_norm, gate_up,
        gate_up_bias, down, down_bias, post_feedforward_norm;
  };
  void make_units();
  void bind();  // makes the parameter views; again after buffers changed
  Block bind_block(std::int64_t layer) const;

  LlamaConfig config_;
  at::ScalarType dtype_;
  at::Device device_;
  NormOptions norm_;
  std::vector<FlatUnit> units_;
  std::vector<Block> blocks_;
  Parameter embedding_, final_norm_, head_;
  RopeFrequencies rope_;
  RotaryTable rotary_;
};

}  // namespace caravan::models
