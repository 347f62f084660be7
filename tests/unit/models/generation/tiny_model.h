// A small random model for tests of generation.
#pragma once

#include <memory>
#include <string>

#include "models/llama/llama.h"

namespace caravan::tests {

struct TinyModel {
  models::ModelType type = models::ModelType::kLlama;
  std::int64_t window = 0;  // of every second layer; 0 = none
  std::int64_t layers = 2;
  std::int64_t vocab = 97;
  at::ScalarType dtype = at::kFloat;
};

inline std::unique_ptr<models::Llama> make_tiny(const TinyModel& tiny = {}) {
  models::LlamaConfig config;
  config.model_type = tiny.type;
  config.vocab_size = tiny.vocab;
  config.hidden_size = 48;
  config.intermediate_size = 72;
  config.num_hidden_layers = tiny.layers;
  config.num_attention_heads = 6;
  config.num_key_value_heads = 2;
  config.head_dim = 20;
  config.max_position_embeddings = 512;
  config.initializer_range = 0.2;
  config.eos_token_id = {2};
  if (tiny.window > 0) {
    config.sliding_window = tiny.window;
    for (std::int64_t layer = 0; layer < tiny.layers; ++layer)
      config.sliding_layers.push_back(layer % 2 == 0);
  }
  auto model = std::make_unique<models::Llama>(config, tiny.dtype, at::kCPU);
  model->initialize(7);
  return model;
}

// A prompt of `length` tokens that depends on nothing but `number`.
inline std::vector<std::int32_t> tiny_prompt(std::int64_t length, std::int32_t number,
                                             std::int32_t vocab = 97) {
  std::vector<std::int32_t> ids;
  for (std::int32_t i = 0; i < length; ++i) ids.push_back((31 * i * i + 17 * number + 5 * i + 3) % vocab);
  return ids;
}

}  // namespace caravan::tests
