// Writes a checkpoint directory in Hugging Face layout and proves it before saying so.
//
// Promise: DIR either does not change or is whole: files are written to DIR.partial, synced, reopened and
// compared with the hash of what was in memory, then renamed. Tensors come one at a time, so the model never
// needs to be in memory twice.
//
//   HfDirectoryWriter writer(dir, config, specs, {.source = base_dir});
//   for (const TensorSpec& spec : specs) writer.add(spec.name, gather(spec.name));
//   HfDirectoryWriter::Summary summary = writer.finish();
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "models/llama/config.h"
#include "models/weights/tensor_shape.h"

namespace caravan::models {

struct HfWriterOptions {
  // Checkpoint directory whose tokenizer, chat template, generation config and licence files are copied byte
  // for byte; "" = none.
  std::string source{};
  // Further files, name and content, e.g. a changed chat template. They win over files of the same name in
  // `source`.
  std::vector<std::pair<std::string, std::string>> files{};
  std::uint64_t max_shard_bytes = 5'000'000'000;
  // Without it a directory that is there and not empty is refused. With it the old one is swapped out in one
  // step.
  bool replace_existing = false;
  // Refuses NaN and infinity in what is written.
  bool refuse_non_finite = true;
};

// Not for use by several threads at once; one process writes (rank 0), the others only help to gather.
class HfDirectoryWriter {
 public:
  struct Summary {
    std::vector<std::string> files;  // names, sorted
    std::uint64_t tensors = 0;
    std::uint64_t tensor_bytes = 0;
  };

  // `specs` in the order of sharding; names as released. Their dtype is what is written and what config.json
  // says. A tied model's specs hold no lm_head.weight. Throws Error: 65 where config and specs contradict
  // each other or the directory is there, 74 where the disk has no room.
  HfDirectoryWriter(const std::string& directory, const LlamaConfig& config,
                    std::span<const TensorSpec> specs, const HfWriterOptions& options);
  ~HfDirectoryWriter();  // without finish(): leaves nothing behind
  HfDirectoryWriter(const HfDirectoryWriter&) = delete;
  HfDirectoryWriter& operator=(const HfDirectoryWriter&) = delete;

  // Any order, each name once, any device; dtype and shape of the spec. Throws Error (65, 74).
  void add(const std::string& name, const at::Tensor& tensor);
  // Syncs, reopens, compares every hash, renames. Throws Error (74) where what the disk holds is not what
  // memory held.
  Summary finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace caravan::models
