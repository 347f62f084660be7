// Questions to the model as it stands, between the batches of a step and its first loss.
#pragma once

#include "trainer/objective.h"
#include "trainer/segmented_pass.h"

namespace caravan::trainer {

// Both must outlive what is returned.
AskModel ask_model(UnitShards& units, SegmentedPass& pass);

}  // namespace caravan::trainer
