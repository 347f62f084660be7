// A checkpoint that a recipe names as one that writes texts.
#pragma once

#include <memory>

#include "recipes/synthesis/model_pool.h"

namespace caravan::recipes {

// Reads config, tokenizer and template; weights when they are needed. Throws models::Error, data::Error,
// trainer::Error.
std::unique_ptr<LocalModelGenerator> make_local_model(const LocalModelRequest& request);

}  // namespace caravan::recipes
