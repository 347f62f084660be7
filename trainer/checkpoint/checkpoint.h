// Checkpoints of a run: RUN/checkpoints/step-00000010/ holds state.safetensors, recipe.yaml and, written
// last, manifest.json.
//
// Promise: a directory of that name is complete or it is not taken. Everything is written to step-N.partial,
// synced, then renamed; the manifest carries the hash of every tensor and of itself. Deleting removes the
// manifest first. No pickle: JSON and safetensors. State that survives a restart: parameters and optimizer
// tensors, the step, tokens seen, and whatever `progress` holds. Random numbers and data order are functions
// of (seed, step) and need no state.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace caravan::trainer {

struct CheckpointContent {
  std::int64_t step = 0;                      // optimizer steps done
  std::map<std::string, at::Tensor> tensors;  // any device
  nlohmann::json progress;                    // small things: tokens done, ...
  std::string recipe_yaml;                    // the resolved recipe, for comparison at resume
};

// Writes the checkpoint; afterwards deletes all but the newest `keep` complete ones up to it (0: keeps all).
// Throws models::Error or trainer::Error (74) where the disk is full or fails: older checkpoints are then
// untouched and nothing half-written is left under a final name.
void write_checkpoint(const std::filesystem::path& run_dir, const CheckpointContent& content,
                      std::int64_t keep);

struct FoundCheckpoint {
  std::filesystem::path path;
  std::int64_t step = 0;
  nlohmann::json progress;
  std::string recipe_yaml;
  std::map<std::string, std::string> hashes;  // tensor name -> hash
};

// The newest complete checkpoint, every hash compared. `note` is told why a newer directory was passed over.
std::optional<FoundCheckpoint> newest_checkpoint(const std::filesystem::path& run_dir,
                                                 const std::function<void(const std::string&)>& note);

// Copies the checkpoint's tensors into `tensors`, which must have the same names, shapes and dtypes. Throws
// Error (data) that names the tensor.
void restore_tensors(const FoundCheckpoint& checkpoint, std::map<std::string, at::Tensor>& tensors);

}  // namespace caravan::trainer
