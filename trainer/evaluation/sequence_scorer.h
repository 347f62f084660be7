// Log-probabilities of given continuations, for many sequences at once.
//
// Promise: every sequence's numbers depend on it and the model alone, up to the rounding of the model's dtype
// in products of other shapes. Sequences that begin alike to the last token read are read once: the answers
// A, B, C and D to one question are one document. The rest is packed without padding through the training
// forward pass, and the head sees the scored rows alone. Collective: batches are dealt to ranks, and every
// rank gets all numbers.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "data/evaluation/item_tokens.h"
#include "losses/output_head.h"
#include "trainer/segmented_pass.h"

namespace caravan::trainer {

class SequenceScorer {
 public:
  // `batch_tokens`: tokens of a pass, unless one sequence alone has more. `units` must outlive this.
  SequenceScorer(UnitShards& units, std::int64_t batch_tokens);

  // log p of ids[first ...], one list for each request. Ids must be of the vocabulary and the ids read (all
  // but the last) within the model's positions. `give_up` is asked before each pass; where it says true, on
  // all ranks alike, nothing is returned. Throws Error (internal check) where logits are not finite.
  std::vector<std::vector<float>> score(std::span<const data::ScoredIds> requests,
                                        const std::function<bool()>& give_up = {});
  std::int64_t tokens_read() const { return tokens_read_; }

 private:
  // Tokens that are read once, and the requests whose numbers come from them.
  struct Document {
    std::span<const std::int32_t> ids;
    std::vector<std::size_t> requests;
  };
  using Batch = std::span<const Document>;
  std::vector<Document> share(std::span<const data::ScoredIds> requests) const;
  std::vector<float> run(Batch batch, std::span<const data::ScoredIds> requests);

  UnitShards& units_;
  SegmentedPass pass_;
  losses::OutputHead head_;
  std::int64_t batch_tokens_;
  std::int64_t tokens_read_ = 0;
};

}  // namespace caravan::trainer
