// `caravan data decontaminate`: rows that give away evaluation items are removed, or held back for a person.
#pragma once

#include <span>
#include <string>

#include "recipes/curation/embedder_source.h"

namespace caravan::recipes {

// For the measure embedding this program becomes the engine.
int run_data_decontaminate(std::span<const std::string> args);
int run_data_decontaminate_with(std::span<const std::string> args, MakeEmbedder make_embedder);

}  // namespace caravan::recipes
