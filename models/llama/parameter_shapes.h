// Names and shapes of every parameter a checkpoint of this config must hold, without building the model: for
// opening directories, planning memory and counting parameters.
#pragma once

#include <vector>

#include "models/llama/config.h"
#include "models/weights/tensor_shape.h"

namespace caravan::models {

// In the order of the forward pass: embedding, layers, final norm, head. Names as Hugging Face's. A tied head
// is not listed.
std::vector<TensorShape> llama_parameter_shapes(const LlamaConfig& config);

}  // namespace caravan::models
