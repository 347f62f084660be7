// A checkpoint that embeds texts, as a recipe or a command names it.
#pragma once

#include <memory>

#include "recipes/curation/embedder_source.h"

namespace caravan::recipes {

// Reads weights and tokenizer, and hashes them: the embedder's name says which they are. Throws
// models::Error, data::Error, trainer::Error.
std::unique_ptr<data::TextEmbedder> make_local_embedder(const EmbedderSource& source);

}  // namespace caravan::recipes
