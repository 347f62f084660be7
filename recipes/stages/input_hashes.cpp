#include "recipes/stages/input_hashes.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>

#include "data/sha256.h"

namespace caravan::recipes {

std::map<std::string, std::string> hash_files(const std::vector<NamedFile>& files) {
  std::vector<std::string> digests(files.size());
  std::vector<std::exception_ptr> errors(files.size());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < files.size(); i = next++) {
      try {
        digests[i] = data::sha256_file_hex(files[i].path.string());
      } catch (...) {
        errors[i] = std::current_exception();
      }
    }
  };
  const std::size_t num_threads = std::min<std::size_t>(files.size(), std::thread::hardware_concurrency());
  std::vector<std::jthread> threads;
  for (std::size_t i = 1; i < num_threads; ++i) threads.emplace_back(work);
  work();
  threads.clear();  // joins
  std::map<std::string, std::string> hashes;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (errors[i]) std::rethrow_exception(errors[i]);
    hashes[files[i].name] = "sha256:" + digests[i];
  }
  return hashes;
}

std::vector<NamedFile> checkpoint_files(const std::filesystem::path& folder, const std::string& prefix,
                                        bool with_weights) {
  std::vector<NamedFile> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const bool is_weights = name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json");
    if (entry.is_regular_file() && (name == "config.json" || (with_weights && is_weights)))
      files.push_back({prefix + name, entry.path()});
  }
  return files;
}

}  // namespace caravan::recipes
