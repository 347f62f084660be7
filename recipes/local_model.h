// A checkpoint that a recipe names as one that writes texts.
#pragma once

#include <memory>

#include "recipes/synthesis/model_pool.h"

namespace caravan::recipes {

// Reads weights, tokenizer and template. Throws models::Error, data::Error, trainer::Error.
std::unique_ptr<data::TextGenerator> make_local_model(const LocalModelRequest& request);

}  // namespace caravan::recipes
