// Finding where a number stopped being finite, after the fact.
#pragma once

#include <functional>
#include <string>

#include "data/loader/micro_batch.h"
#include "trainer/segmented_pass.h"

namespace caravan::trainer {

// Runs the micro-batch again and names the first unit with a NaN or infinity in its output, and the documents
// it is in. "" where all is finite.
std::string first_non_finite(SegmentedPass& pass, const data::MicroBatch& batch, const at::Device& device,
                             const std::function<std::string(const data::SourceLine&)>& name_of);
// The parameters that hold NaN or infinity themselves, or whose gradients do, a few by name: from the head
// down, as the backward pass meets them. "" where all are finite. Collective, gradients after
// UnitShards::finish_gradients.
std::string non_finite_weights(UnitShards& units);
std::string non_finite_gradients(UnitShards& units);

}  // namespace caravan::trainer
