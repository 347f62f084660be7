#include "models/weights/hf_layout.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "models/error.h"
#include "models/weights/json_fields.h"
#include "models/weights/quote.h"
#include "models/weights/strict_json.h"

namespace caravan::models {

using nlohmann::json;

bool is_plain_file_name(std::string_view name) {
  if (name.empty() || name == "." || name == ".." || name.size() > 255) return false;
  return std::none_of(name.begin(), name.end(), [](char c) {
    return c == '/' || c == '\\' || c == ':' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
}

bool is_companion_file(std::string_view name) {
  constexpr std::array<std::string_view, 14> kNames{"tokenizer.json",
                                                    "tokenizer_config.json",
                                                    "special_tokens_map.json",
                                                    "tokenizer.model",
                                                    "vocab.json",
                                                    "merges.txt",
                                                    "added_tokens.json",
                                                    "vocab.txt",
                                                    "chat_template.jinja",
                                                    "chat_template.json",
                                                    "generation_config.json",
                                                    "tekken.json",
                                                    "spiece.model",
                                                    "tokenizer.model.v3"};
  if (std::find(kNames.begin(), kNames.end(), name) != kNames.end()) return true;
  return name.ends_with(".tiktoken") || name.starts_with("LICENSE") || name.starts_with("NOTICE") ||
         name.starts_with("USE_POLICY");
}

bool is_pickle_file(std::string_view name) {
  for (const std::string_view ending : {".bin", ".bin.index.json", ".pt", ".pth", ".ckpt", ".pkl"}) {
    if (name.ends_with(ending)) return true;
  }
  return false;
}

std::map<std::string, std::string> read_weight_map(const std::string& index_path) {
  const json index = read_json_object(index_path);
  const auto found = index.find("weight_map");
  if (found == index.end() || !found->is_object() || found->empty()) {
    throw Error(Error::Kind::kData, index_path + ": weight_map is " +
                                        (found == index.end() ? "missing" : value_text(*found)) +
                                        "; an object of tensor names and file names is needed");
  }
  std::map<std::string, std::string> weight_map;
  for (const auto& [name, file] : found->items()) {
    const std::string place =
        index_path + ": weight_map gives " + value_text(file) + " as the file of " + printable(name);
    if (!file.is_string()) throw Error(Error::Kind::kData, place + "; a file name is needed");
    const auto& text = file.get_ref<const std::string&>();
    if (!is_plain_file_name(text)) {
      throw Error(Error::Kind::kUnsafe,
                  place + ", which is outside the checkpoint directory; allowed: plain names of " +
                      "files beside the index. Do not use a checkpoint whose origin you do not know");
    }
    if (!text.ends_with(".safetensors")) {
      throw Error(Error::Kind::kUnsafe, place + "; allowed: names that end in .safetensors");
    }
    weight_map.emplace(name, text);
  }
  return weight_map;
}

std::vector<Shard> plan_shards(std::span<const TensorSpec> specs, std::uint64_t max_shard_bytes) {
  std::vector<Shard> shards(1);
  std::uint64_t filled = 0;
  for (const TensorSpec& spec : specs) {
    const std::uint64_t bytes = byte_size(spec.shape, spec.dtype);
    if (!shards.back().specs.empty() && filled + bytes > max_shard_bytes) {
      shards.emplace_back();
      filled = 0;
    }
    shards.back().specs.push_back(spec);
    filled += bytes;
  }
  if (shards.size() == 1) {
    shards.front().file = kSingleFile;
    return shards;
  }
  for (std::size_t i = 0; i < shards.size(); ++i) {
    std::array<char, 64> name{};
    std::snprintf(name.data(), name.size(), "model-%05zu-of-%05zu.safetensors", i + 1, shards.size());
    shards[i].file = name.data();
  }
  return shards;
}

json index_json(std::span<const Shard> shards) {
  std::uint64_t total_bytes = 0, total_parameters = 0;
  json weight_map = json::object();
  for (const Shard& shard : shards) {
    for (const TensorSpec& spec : shard.specs) {
      weight_map[spec.name] = shard.file;
      total_bytes += byte_size(spec.shape, spec.dtype);
      total_parameters += byte_size(spec.shape, spec.dtype) / dtype_size(spec.dtype);
    }
  }
  return {{"metadata", {{"total_parameters", total_parameters}, {"total_size", total_bytes}}},
          {"weight_map", weight_map}};
}

}  // namespace caravan::models
