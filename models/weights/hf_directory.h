// Opens a checkpoint directory in Hugging Face layout: config.json and model.safetensors, or an index and its
// shards.
//
// Goals: after check() every tensor the model asked for is there once, with its shape, finite; everything
// wrong is in one error. Only plain file names inside the directory are opened. Non-goals: pickle files,
// ever; remote directories.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/llama/config.h"
#include "models/weights/safetensors.h"
#include "models/weights/tensor_shape.h"

namespace caravan::models {

struct CheckOptions {
  // Reads all weights once and refuses NaN and infinity.
  bool refuse_non_finite = true;
  // A head over tokens may be there although nothing wants it: the rest becomes a reward model.
  bool may_have_head = false;
};

// Copies share the maps. Const and safe to use from several threads.
class HfDirectory {
 public:
  // Reads config, index and headers; no weights. Throws Error: 65 bad content or missing file, 74 cannot be
  // read, 77 index that leaves the directory, or weights that are there as pickle only.
  explicit HfDirectory(const std::string& path);

  const std::string& path() const { return path_; }
  const LlamaConfig& config() const { return config_; }
  // Name -> place, over all shards.
  struct Entry {
    std::size_t file = 0;  // index in files()
    const StoredTensor* tensor = nullptr;
  };
  const std::map<std::string, Entry, std::less<>>& entries() const { return entries_; }
  const std::vector<SafetensorsFile>& files() const { return files_; }
  bool contains(std::string_view name) const { return entries_.contains(name); }

  // Compares with what the model needs and throws one Error (65) that lists every missing, unexpected,
  // misshapen and non-finite tensor, and a head that differs from the embedding it should be tied to. Rotary
  // inv_freq buffers of old checkpoints and a tied head equal to the embedding are accepted.
  void check(std::span<const TensorShape> expected, const CheckOptions& options = {}) const;

  // A read-only view, see SafetensorsFile::tensor. Throws Error (65) where the name is unknown.
  at::Tensor tensor(std::string_view name) const;

 private:
  void open_shards(const std::string& index);

  std::string path_;
  LlamaConfig config_;
  std::vector<SafetensorsFile> files_;
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace caravan::models
