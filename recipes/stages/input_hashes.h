// SHA-256 of the files that a result is made of, for the run card: what `sha256sum`, and the pages that
// publish checkpoints, show too.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace caravan::recipes {

struct NamedFile {
  std::string name;  // in the card
  std::filesystem::path path;
};

// Several files at once, each by one thread. Throws data::Error (74) where a file cannot be read.
std::map<std::string, std::string> hash_files(const std::vector<NamedFile>& files);

// The weights and config.json of a checkpoint folder: PREFIX + "model.safetensors", ... Without weights only
// the config.
std::vector<NamedFile> checkpoint_files(const std::filesystem::path& folder, const std::string& prefix,
                                        bool with_weights);

}  // namespace caravan::recipes
