// Log-probabilities of given continuations, for many sequences at once.
//
// Promise: every sequence's numbers depend on it and the model alone, up to the rounding of the model's dtype
// in products of other shapes. What sequences of a pass begin with alike is read once: examples that stand
// before every question, a question before its answers; the answers A, B, C and D are one document. The rest
// is packed without padding through the training forward pass, and the head sees the scored rows alone.
// Collective: batches are dealt to ranks, and every rank gets all numbers.
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
  // Tokens that are read together, the requests whose numbers come from them, and how many of the tokens are
  // read as those of the nearest document before that reads all of its own.
  struct Document {
    std::span<const std::int32_t> ids;
    std::vector<std::size_t> requests;
    std::size_t first_scored = 0, prefix = 0;

    std::int64_t own_tokens() const { return std::ssize(ids) - static_cast<std::int64_t>(prefix); }
  };
  using Batch = std::span<const Document>;
  std::vector<Document> share(std::span<const data::ScoredIds> requests) const;
  static std::size_t alike(const Document& lender, const Document& later);
  static bool lends_more(const std::vector<Document>& documents, std::size_t i, std::size_t prefix);
  std::vector<Batch> batches_of(std::vector<Document>& documents);
  std::vector<float> run(Batch batch, std::span<const data::ScoredIds> requests);

  UnitShards& units_;
  SegmentedPass pass_;
  losses::OutputHead head_;
  std::int64_t batch_tokens_;
  std::int64_t tokens_read_ = 0;
};

}  // namespace caravan::trainer
