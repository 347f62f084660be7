#include "trainer/checkpoint/checkpoint.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include "models/weights/safetensors.h"
#include "models/weights/safetensors_writer.h"
#include "trainer/checkpoint/checkpoint_files.h"
#include "trainer/error.h"

namespace caravan::trainer {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

std::string read_recipe(const fs::path& folder, const std::string& hash) {
  std::ifstream file(folder / kRecipeFile, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (text_hash(text.str()) != hash)
    throw Error(Error::Kind::kData, std::string(kRecipeFile) + " does not match its hash");
  return text.str();
}

// The parts of a tensor follow one another without gap from 0 to its size.
void check_parts(const std::string& name, const json& tensor) {
  std::int64_t at = 0;
  for (const json& part : tensor.at("parts")) {
    if (part.at("begin") != at) throw Error(Error::Kind::kData, "the parts of " + name + " leave a gap");
    at += part.at("count").get<std::int64_t>();
  }
  if (tensor.at("size") != at) throw Error(Error::Kind::kData, "the parts of " + name + " are not all of it");
}

// The manifest, and the hashes of what this rank reads of the files. Throws where something is wrong.
json verify(const fs::path& folder, const ProcessGroup& group) {
  json manifest = read_manifest(folder);
  for (int file = group.rank(); file < manifest.at("ranks").get<int>(); file += group.size()) {
    const std::string name = state_file(file, manifest.at("ranks"));
    if (!manifest.at("files").contains(name)) throw Error(Error::Kind::kData, name + " is missing");
    const models::SafetensorsFile state((folder / name).string());
    for (const auto& [tensor, entry] : manifest.at("state").items())
      for (const json& part : entry.at("parts"))
        if (part.at("file") == file &&
            (!state.find(tensor) || models::tensor_hash(state.tensor(tensor)) != part.at("hash")))
          throw Error(Error::Kind::kData, name + ": tensor " + tensor + " does not match its hash");
  }
  for (const auto& [tensor, entry] : manifest.at("state").items()) check_parts(tensor, entry);
  return manifest;
}

FoundCheckpoint found_in(const fs::path& folder, json manifest) {
  FoundCheckpoint found;
  found.path = folder;
  found.step = manifest.at("step");
  found.progress = manifest.at("progress");
  found.recipe_yaml = read_recipe(folder, manifest.at("recipe"));
  found.manifest = std::move(manifest);
  return found;
}

// The steps that the first rank sees, newest first: all ranks look at the same.
std::vector<std::int64_t> candidates(const fs::path& run_dir, ProcessGroup& group) {
  std::string own;
  if (group.is_first())
    for (const auto& [step, folder] : step_folders(run_dir)) own += std::to_string(step) + " ";
  std::istringstream words(group.all_gather_text(own, "checkpoints").front());
  std::vector<std::int64_t> steps;
  for (std::int64_t step = 0; words >> step;) steps.push_back(step);
  return steps;
}

// Opens each file of a checkpoint once.
class StateFiles {
 public:
  explicit StateFiles(const FoundCheckpoint& checkpoint) : checkpoint_(checkpoint) {}
  const models::SafetensorsFile& operator[](int file) {
    auto found = files_.find(file);
    if (found == files_.end())
      found =
          files_
              .emplace(file, (checkpoint_.path / state_file(file, checkpoint_.manifest.at("ranks"))).string())
              .first;
    return found->second;
  }

 private:
  const FoundCheckpoint& checkpoint_;
  std::map<int, models::SafetensorsFile> files_;
};

}  // namespace

std::optional<FoundCheckpoint> newest_checkpoint(const fs::path& run_dir, ProcessGroup& group,
                                                 const std::function<void(const std::string&)>& note) {
  for (const std::int64_t step : candidates(run_dir, group)) {
    const fs::path folder = checkpoint_folder(run_dir, step);
    std::optional<FoundCheckpoint> found;
    std::string problem;
    try {
      found = found_in(folder, verify(folder, group));
    } catch (const std::exception& error) {
      problem = error.what();
    }
    const std::vector<std::string> problems = group.all_gather_text(problem, "hashes of a checkpoint");
    for (std::size_t rank = 0; rank < problems.size() && problem.empty(); ++rank)
      if (!problems[rank].empty()) problem = "rank " + std::to_string(rank) + " finds: " + problems[rank];
    if (problem.empty()) return found;
    note(folder.string() + ": passed over, not a complete checkpoint: " + problem);
  }
  return std::nullopt;
}

void restore(const FoundCheckpoint& checkpoint, const std::vector<StatePart>& state) {
  at::NoGradGuard no_grad;
  const auto refuse = [&](const std::string& name, const std::string& what) {
    throw Error(Error::Kind::kData, checkpoint.path.string() + ": tensor " + name + " " + what +
                                        "; it was made by another recipe or model");
  };
  const json& stored = checkpoint.manifest.at("state");
  if (stored.size() != state.size())
    throw Error(Error::Kind::kData, checkpoint.path.string() + ": holds " + std::to_string(stored.size()) +
                                        " tensors where this run has " + std::to_string(state.size()) +
                                        "; it was made by another recipe or model");
  StateFiles files(checkpoint);
  for (const StatePart& own : state) {
    if (!stored.contains(own.name)) refuse(own.name, "is missing");
    const json& entry = stored.at(own.name);
    if (entry.at("size") != own.size) refuse(own.name, "has another size");
    const std::int64_t own_end = own.begin + own.part.numel();
    for (const json& part : entry.at("parts")) {
      const std::int64_t begin = part.at("begin"), end = begin + part.at("count").get<std::int64_t>();
      const std::int64_t from = std::max(begin, own.begin), to = std::min(end, own_end);
      if (from >= to) continue;
      const at::Tensor there = files[part.at("file").get<int>()].tensor(own.name);
      if (there.scalar_type() != own.part.scalar_type()) refuse(own.name, "has another dtype");
      at::Tensor(own.part)
          .narrow(0, from - own.begin, to - from)
          .copy_(there.narrow(0, from - begin, to - from));
    }
  }
}

}  // namespace caravan::trainer
