// A model that goes on where it stopped: feeds tokens to sequences with a key/value cache.
//
// Promise: what a sequence gets does not depend on the sequences fed with it, on how its tokens were dealt to
// calls after the first, or on the number of threads: on the CPU bit for bit. New sequences go through the
// packed kernels of training, all of them in one pass. No autograd. Not thread safe; the model's parameters
// must not change while sequences live.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "models/generation/kv_cache.h"
#include "models/llama/llama.h"

namespace caravan::models {

class Decoder {
 public:
  explicit Decoder(Llama& model) : model_(model), cache_(model) {}

  KvSequence new_sequence() { return KvSequence(cache_); }
  KvCache& cache() { return cache_; }
  const Llama& model() const { return model_; }

  // The tokens one sequence is fed, at least one.
  struct Feed {
    KvSequence* sequence;
    std::span<const std::int32_t> ids;
  };
  // Appends to each sequence; sequences must differ, and be all new or all running. Returns the logits [B, V]
  // behind each one's last token, in the dtype of the model. Throws Error (65) for an id outside the
  // vocabulary and a position beyond max_position_embeddings, before any sequence is changed.
  at::Tensor feed(std::span<const Feed> feeds);

 private:
  void check(std::span<const Feed> feeds) const;
  // Hidden states [B, D] behind the last tokens.
  at::Tensor prefill(std::span<const Feed> feeds);
  at::Tensor extend(std::span<const Feed> feeds);

  Llama& model_;
  KvCache cache_;
};

}  // namespace caravan::models
