// A frozen model's log-probabilities of trained tokens, by the code that the policy's are computed with.
//
// Promise: what a document is given does not depend on what it is packed with or on the number of ranks,
// beyond the rounding of the model itself. Micro-batch i is computed by rank i mod R; what came of it is on
// all ranks afterwards.
#pragma once

#include <functional>
#include <vector>

#include "data/loader/training_data.h"
#include "trainer/segmented_pass.h"

namespace caravan::trainer {

class ReferencePass {
 public:
  // `frozen` must outlive the pass.
  explicit ReferencePass(UnitShards& frozen) : units_(frozen), pass_(frozen, 0) {}

  // [T] of each micro-batch, 0 where nothing is trained. Collective. `give_up` is asked before each round;
  // where it says true, on all ranks alike, nothing is returned.
  std::vector<std::vector<float>> log_probs(const std::vector<data::MicroBatch>& batches,
                                            const std::function<bool()>& give_up = {});
  // Of documents [begin, end), each by its trained tokens in their order; packed into passes of at most
  // `micro_tokens`. Collective; empty where it was given up.
  std::vector<std::vector<float>> of_documents(const data::TrainingData& data, std::uint32_t begin,
                                               std::uint32_t end, std::int64_t micro_tokens,
                                               const std::function<bool()>& give_up = {});

 private:
  UnitShards& units_;
  SegmentedPass pass_;
};

}  // namespace caravan::trainer
