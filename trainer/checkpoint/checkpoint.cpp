#include "trainer/checkpoint/checkpoint.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

#include "models/weights/content_hash.h"
#include "models/weights/output_file.h"
#include "models/weights/safetensors.h"
#include "models/weights/safetensors_writer.h"
#include "trainer/error.h"

namespace caravan::trainer {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr const char* kStateFile = "state.safetensors";
constexpr const char* kRecipeFile = "recipe.yaml";
constexpr const char* kManifestFile = "manifest.json";
constexpr const char* kPrefix = "step-";
constexpr const char* kPartial = ".partial";

std::string directory_name(std::int64_t step) {
  std::string digits = std::to_string(step);
  return kPrefix + std::string(digits.size() < 8 ? 8 - digits.size() : 0, '0') + digits;
}

// The step of "step-00000010", or nothing for another name.
std::optional<std::int64_t> step_of(const std::string& name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  std::int64_t step = 0;
  const char *begin = name.data() + std::string_view(kPrefix).size(), *end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(begin, end, step);
  return error == std::errc() && rest == end ? std::optional(step) : std::nullopt;
}

std::string text_hash(const std::string& text) {
  return models::content_hash(std::as_bytes(std::span(text)));
}

std::string read_text(const fs::path& path) {
  // A pipe would be waited for, and a folder reads as empty.
  if (!fs::is_regular_file(path)) throw Error(Error::Kind::kData, path.string() + ": is no file");
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw Error(Error::Kind::kInputOutput, path.string() + ": cannot be read");
  return text.str();
}

// All step directories, newest first.
std::vector<std::pair<std::int64_t, fs::path>> step_directories(const fs::path& checkpoints) {
  std::vector<std::pair<std::int64_t, fs::path>> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(checkpoints, ignored))
    if (const auto step = step_of(entry.path().filename().string()); step && entry.is_directory(ignored))
      found.emplace_back(*step, entry.path());
  std::sort(found.rbegin(), found.rend());
  return found;
}

void remove_checkpoint(const fs::path& path) {
  std::error_code ignored;
  fs::remove(path / kManifestFile, ignored);
  fs::remove_all(path, ignored);
}

// The manifest, its own hash and the sizes of the files compared; what the files hold is not read. Throws
// Error with the reason where the directory cannot be a complete checkpoint.
json read_manifest(const fs::path& path) {
  json manifest = json::parse(read_text(path / kManifestFile), nullptr, false);
  const auto check = manifest.is_object() ? manifest.find("check") : manifest.end();
  if (check == manifest.end() || !check->is_string())
    throw Error(Error::Kind::kData, std::string(kManifestFile) + " is damaged: it is no manifest");
  const std::string expected = *check;
  manifest.erase("check");
  if (text_hash(manifest.dump()) != expected)
    throw Error(Error::Kind::kData, "the manifest does not match its own hash");
  if (manifest.at("schema") != 1)
    throw Error(Error::Kind::kData,
                "the manifest has schema " + manifest.at("schema").dump() + "; this version reads 1");
  for (const auto& [name, bytes] : manifest.at("files").items()) {
    if (!fs::is_regular_file(path / name)) throw Error(Error::Kind::kData, name + " is missing");
    if (fs::file_size(path / name) != bytes.get<std::uintmax_t>())
      throw Error(Error::Kind::kData, name + " has " + std::to_string(fs::file_size(path / name)) +
                                          " bytes where the manifest says " + bytes.dump());
  }
  return manifest;
}

bool looks_complete(const fs::path& path) {
  try {
    read_manifest(path);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

// Deletes what is older than the newest `keep` complete ones. A damaged one is not counted, for it cannot be
// gone on from, and none beyond `step` is: the run passed over those when it started.
void remove_older(const fs::path& checkpoints, std::int64_t step, std::int64_t keep) {
  std::int64_t kept = 0;
  for (const auto& [at_step, path] : step_directories(checkpoints)) {
    if (at_step > step) continue;
    if (kept >= keep)
      remove_checkpoint(path);
    else if (looks_complete(path))
      ++kept;
  }
}

// Throws std::exception with the reason where the directory is not a complete checkpoint.
FoundCheckpoint read_checkpoint(const fs::path& path) {
  const json manifest = read_manifest(path);
  FoundCheckpoint found;
  found.path = path;
  found.step = manifest.at("step");
  found.progress = manifest.at("progress");
  found.hashes = manifest.at("tensors");
  found.recipe_yaml = read_text(path / kRecipeFile);
  if (text_hash(found.recipe_yaml) != manifest.at("recipe").get<std::string>())
    throw Error(Error::Kind::kData, "recipe.yaml does not match its hash");
  const models::SafetensorsFile state((path / kStateFile).string());
  for (const auto& [name, hash] : found.hashes)
    if (!state.find(name) || models::tensor_hash(state.tensor(name)) != hash)
      throw Error(Error::Kind::kData,
                  std::string(kStateFile) + ": tensor " + name + " does not match its hash");
  return found;
}

json write_state(const fs::path& folder, const std::map<std::string, at::Tensor>& tensors) {
  std::vector<models::TensorSpec> specs;
  for (const auto& [name, tensor] : tensors)
    specs.push_back({name, models::to_dtype(tensor.scalar_type()), tensor.sizes().vec()});
  models::SafetensorsWriter writer((folder / kStateFile).string(), specs);
  json hashes = json::object();
  for (const auto& [name, tensor] : tensors) hashes[name] = writer.add(name, tensor);
  writer.finish();
  return hashes;
}

}  // namespace

void write_checkpoint(const fs::path& run_dir, const CheckpointContent& content, std::int64_t keep) {
  const fs::path checkpoints = run_dir / "checkpoints", target = checkpoints / directory_name(content.step);
  fs::path partial = target;
  partial += kPartial;
  fs::create_directories(checkpoints);
  fs::remove_all(partial);
  fs::create_directory(partial);
  try {
    json manifest = {{"schema", 1}, {"step", content.step}, {"progress", content.progress}};
    manifest["tensors"] = write_state(partial, content.tensors);
    models::write_file((partial / kRecipeFile).string(), content.recipe_yaml);
    manifest["recipe"] = text_hash(content.recipe_yaml);
    for (const char* name : {kStateFile, kRecipeFile})
      manifest["files"][name] = fs::file_size(partial / name);
    const std::string check = text_hash(manifest.dump());
    manifest["check"] = check;
    models::write_file((partial / kManifestFile).string(), manifest.dump(1) + "\n");
    models::sync_folder(partial.string());
    remove_checkpoint(target);  // an incomplete one of the same step
    models::rename_path(partial.string(), target.string());
    models::sync_folder(checkpoints.string());
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(partial, ignored);
    throw;
  }
  if (keep > 0) remove_older(checkpoints, content.step, keep);
}

std::optional<FoundCheckpoint> newest_checkpoint(const fs::path& run_dir,
                                                 const std::function<void(const std::string&)>& note) {
  for (const auto& [step, path] : step_directories(run_dir / "checkpoints")) {
    try {
      return read_checkpoint(path);
    } catch (const std::exception& error) {
      note(path.string() + ": passed over, not a complete checkpoint: " + error.what());
    }
  }
  return std::nullopt;
}

void restore_tensors(const FoundCheckpoint& checkpoint, std::map<std::string, at::Tensor>& tensors) {
  at::NoGradGuard no_grad;
  const models::SafetensorsFile file((checkpoint.path / kStateFile).string());
  const auto refuse = [&](const std::string& name, const std::string& what) {
    throw Error(Error::Kind::kData, checkpoint.path.string() + ": tensor " + name + " " + what +
                                        "; delete this checkpoint to go on from an older one");
  };
  if (file.tensors().size() != tensors.size())
    throw Error(Error::Kind::kData, checkpoint.path.string() + ": holds " +
                                        std::to_string(file.tensors().size()) +
                                        " tensors where this run has " + std::to_string(tensors.size()) +
                                        "; it was made by another recipe or model");
  for (auto& [name, tensor] : tensors) {
    if (!file.find(name)) refuse(name, "is missing");
    const at::Tensor stored = file.tensor(name);
    if (stored.sizes() != tensor.sizes() || stored.scalar_type() != tensor.scalar_type())
      refuse(name, "has another shape or dtype");
    tensor.copy_(stored);
  }
}

}  // namespace caravan::trainer
