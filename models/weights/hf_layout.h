// Names and rules of a Hugging Face checkpoint directory: which file holds what, and which names may be
// opened. Free of LibTorch.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/weights/tensor_shape.h"

namespace caravan::models {

inline constexpr std::string_view kConfigFile = "config.json";
inline constexpr std::string_view kSingleFile = "model.safetensors";
inline constexpr std::string_view kIndexFile = "model.safetensors.index.json";
inline constexpr std::string_view kEmbeddingName = "model.embed_tokens.weight";
inline constexpr std::string_view kHeadName = "lm_head.weight";
inline constexpr std::string_view kTemplateFolder = "additional_chat_templates";

// A name without folders, parents, drive letters or control characters: it stays in the directory it is
// looked up in.
bool is_plain_file_name(std::string_view name);

// Tokenizer, chat template, generation config and licence: what a fine-tuned model keeps of the one it came
// from.
bool is_companion_file(std::string_view name);

// Formats that run code when they are read.
bool is_pickle_file(std::string_view name);

// Tensor name -> shard, as the index says. Throws Error: 65 where its form is wrong, 77 where it names a file
// outside.
std::map<std::string, std::string> read_weight_map(const std::string& index_path);

struct Shard {
  std::string file;
  std::vector<TensorSpec> specs;
};
// Fills shards in the given order; a tensor larger than max_shard_bytes has one to itself. One shard is
// model.safetensors, several are model-00001-of-0000N.safetensors.
std::vector<Shard> plan_shards(std::span<const TensorSpec> specs, std::uint64_t max_shard_bytes);
nlohmann::json index_json(std::span<const Shard> shards);

}  // namespace caravan::models
