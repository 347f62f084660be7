// Checkpoints of a run: RUN/checkpoints/step-00000010/ holds a state-RANK-of-RANKS.safetensors of every rank,
// recipe.yaml and, written last, manifest.json.
//
// Promise: a directory of that name is complete or it is not taken. Everything is written to step-N.partial,
// synced, then renamed; the manifest carries the hash of every tensor and of itself. No pickle: JSON and
// safetensors. State that survives a restart: parameters and optimizer tensors, the step, tokens seen, and
// whatever `progress` holds. Random numbers and data order are functions of (seed, step) and need no state.
// A checkpoint of any number of ranks can be gone on from by any other number.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "trainer/distributed/process_group.h"

namespace caravan::trainer {

// What a rank has of a one-dimensional tensor of the state: elements [begin, begin + part.numel()) of `size`.
struct StatePart {
  std::string name;
  at::Tensor part;  // any device; a view of the state itself
  std::int64_t begin = 0, size = 0;
  bool everywhere = false;  // all ranks have the same
};

struct FoundCheckpoint {
  std::filesystem::path path;
  std::int64_t step = 0;
  nlohmann::json progress;
  std::string recipe_yaml;
  nlohmann::json manifest;
};

// The newest complete checkpoint, every hash compared, by all ranks together: they must see the same folder.
// `note` is told why a newer directory was passed over. Collective.
std::optional<FoundCheckpoint> newest_checkpoint(const std::filesystem::path& run_dir, ProcessGroup& group,
                                                 const std::function<void(const std::string&)>& note);

// Copies what the checkpoint has of them into the parts, which must be all of the state: names, sizes and
// dtypes as it has them. Throws Error (data) that names the tensor.
void restore(const FoundCheckpoint& checkpoint, const std::vector<StatePart>& state);

}  // namespace caravan::trainer
