// The files of a checkpoint directory without weights: what a model must be told to start from random
// numbers.
#pragma once

#include <string>

#include "data/message.h"
#include "data/tokenizers/bpe_trainer.h"

namespace caravan::data {

// Sizes of the small Llama that learns the demo dialogues: 1 to 5 million parameters.
struct DemoModelOptions {
  int hidden_size = 128;
  int intermediate_size = 384;
  int num_hidden_layers = 5;
  int num_attention_heads = 4;
  int num_key_value_heads = 4;
  int max_position_embeddings = 512;
};

// The special tokens of the demo tokenizer, in order of their ids.
std::vector<std::string> demo_special_tokens();

// config.json of a LlamaForCausalLM with tied embeddings; ids of the special tokens from the vocabulary.
Json demo_config(const DemoModelOptions& options, const BpeVocabulary& vocabulary);
// tokenizer_config.json, the chat template in it; every turn ends with <|end|>.
Json demo_tokenizer_config(const DemoModelOptions& options);
// generation_config.json: greedy, stops at <|end|>.
Json demo_generation_config(const BpeVocabulary& vocabulary);

std::string demo_chat_template();

}  // namespace caravan::data
