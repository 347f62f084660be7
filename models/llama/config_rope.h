// The rotary part of config.json: read in both spellings, written in both.
#pragma once

#include <nlohmann/json.hpp>

#include "models/llama/config.h"
#include "models/weights/json_fields.h"

namespace caravan::models {

// Precedence as transformers 5 has it: a rope_scaling that is not null beats rope_parameters; a theta inside
// it beats rope_theta; rope_type beats type; 10000 where there is no theta; max_position_embeddings where
// there is no original length. Problems are noted in `fields`.
RopeConfig read_rope(JsonFields& fields, const LlamaConfig& config);

// Sets rope_theta, rope_scaling and rope_parameters.
void write_rope(const RopeConfig& rope, nlohmann::json& json);

}  // namespace caravan::models
