// Training noise on embeddings that depends on seed, step and place alone.
#pragma once

#include <ATen/core/Tensor.h>
#include "data/loader/micro_batch.h"

namespace caravan::trainer {

// NEFTune, arXiv 2310.05914: adds uniform noise in (-1, 1) times alpha / sqrt(n D) to the embeddings of each
// document of n tokens. The numbers are a function of (seed, step, document, position, dimension), so packing
// and ranks do not change them.
void add_neftune_noise(at::Tensor& hidden_TD, const data::MicroBatch& batch, double alpha, std::uint64_t seed,
                       std::int64_t step);

}  // namespace caravan::trainer
