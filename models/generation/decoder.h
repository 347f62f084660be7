// A model that goes on where it stopped: feeds tokens to sequences with a key/value cache.
//
// Promise: what a sequence gets does not depend on the sequences fed with it, on how its tokens were dealt to
// calls, or on the number of threads: on the CPU bit for bit, and the bits are those of the packed pass of
// training. No autograd. Not thread safe; the model's parameters must not change while sequences live.
//
// With a UnitAccess the parameters are used unit by unit as it provides them. Where it moves them between
// ranks, all ranks walk together: each makes the same number of calls of feed and stand_by.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "models/generation/kv_cache.h"
#include "models/llama/llama.h"
#include "models/unit_access.h"

namespace caravan::models {

class Decoder {
 public:
  explicit Decoder(Llama& model, UnitAccess* access = nullptr)
      : model_(model), access_(access), cache_(model) {}

  KvSequence new_sequence() { return KvSequence(cache_); }
  KvCache& cache() { return cache_; }
  const KvCache& cache() const { return cache_; }
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
  // Takes part in another rank's feed.
  void stand_by();

 private:
  // One unit's turn: its values are there while `compute` runs.
  template <class Compute>
  void turn(std::size_t unit, std::size_t next, Compute&& compute);
  // All units' turns in the order of a feed.
  template <class Embed, class Block, class Finish>
  void walk(Embed&& embed, Block&& block, Finish&& finish);
  void check(std::span<const Feed> feeds) const;
  at::Tensor attend(std::int64_t layer, std::span<const Feed> feeds, const AttentionContext& context,
                    at::Tensor qkv_TC, std::span<const KvCache::Query> queries);

  Llama& model_;
  UnitAccess* access_;
  KvCache cache_;
};

}  // namespace caravan::models
