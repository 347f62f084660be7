// Names, manifest and removal of checkpoint folders; see checkpoint.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace caravan::trainer {

inline constexpr const char* kRecipeFile = "recipe.yaml";
inline constexpr const char* kManifestFile = "manifest.json";

std::filesystem::path checkpoint_folder(const std::filesystem::path& run_dir, std::int64_t step);
std::filesystem::path partial_folder(const std::filesystem::path& run_dir, std::int64_t step);
// state-00001-of-00004.safetensors
std::string state_file(int rank, int ranks);
std::string text_hash(const std::string& text);

// All step folders, newest first.
std::vector<std::pair<std::int64_t, std::filesystem::path>> step_folders(
    const std::filesystem::path& run_dir);

// The manifest, its own hash and the sizes of the files compared; what the files hold is not read. Throws
// Error with the reason where the folder cannot be a complete checkpoint.
nlohmann::json read_manifest(const std::filesystem::path& folder);
// A manifest as a file holds it: with its own hash.
std::string sealed(nlohmann::json manifest);

// The manifest goes first, so that what is left is never taken for complete.
void remove_checkpoint(const std::filesystem::path& folder);
// Deletes what is older than the newest `keep` complete ones (0: nothing). A damaged one is not counted, for
// it cannot be gone on from, and none beyond `step` is: the run passed over those when it started.
void remove_older(const std::filesystem::path& run_dir, std::int64_t step, std::int64_t keep);

}  // namespace caravan::trainer
