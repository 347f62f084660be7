#include "trainer/checkpoint/checkpoint_files.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>

#include "data/bounded_json.h"
#include "models/weights/content_hash.h"
#include "models/weights/hf_layout.h"
#include "trainer/error.h"

namespace caravan::trainer {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr const char* kPrefix = "step-";
constexpr const char* kPartial = ".partial";
constexpr int kSchema = 2;

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

std::string read_text(const fs::path& path) {
  // A pipe would be waited for, and a folder reads as empty.
  if (!fs::is_regular_file(path)) throw Error(Error::Kind::kData, path.string() + ": is no file");
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw Error(Error::Kind::kInputOutput, path.string() + ": cannot be read");
  return text.str();
}

bool looks_complete(const fs::path& folder) {
  try {
    read_manifest(folder);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

fs::path checkpoint_folder(const fs::path& run_dir, std::int64_t step) {
  return run_dir / "checkpoints" / directory_name(step);
}

fs::path partial_folder(const fs::path& run_dir, std::int64_t step) {
  return run_dir / "checkpoints" / (directory_name(step) + kPartial);
}

std::string state_file(int rank, int ranks) {
  char name[64];
  std::snprintf(name, sizeof name, "state-%05d-of-%05d.safetensors", rank, ranks);
  return name;
}

std::string text_hash(const std::string& text) {
  return models::content_hash(std::as_bytes(std::span(text)));
}

std::vector<std::pair<std::int64_t, fs::path>> step_folders(const fs::path& run_dir) {
  std::vector<std::pair<std::int64_t, fs::path>> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(run_dir / "checkpoints", ignored))
    if (const auto step = step_of(entry.path().filename().string()); step && entry.is_directory(ignored))
      found.emplace_back(*step, entry.path());
  std::sort(found.rbegin(), found.rend());
  return found;
}

json read_manifest(const fs::path& folder) try {
  json manifest = data::parse_bounded_json<json>(read_text(folder / kManifestFile));
  const auto check = manifest.is_object() ? manifest.find("check") : manifest.end();
  if (check == manifest.end() || !check->is_string())
    throw Error(Error::Kind::kData, std::string(kManifestFile) + " is damaged: it is no manifest");
  const std::string expected = *check;
  manifest.erase("check");
  if (text_hash(manifest.dump()) != expected)
    throw Error(Error::Kind::kData, "the manifest does not match its own hash");
  if (manifest.at("schema") != kSchema)
    throw Error(Error::Kind::kData, "the manifest has schema " + manifest.at("schema").dump() +
                                        "; this version reads " + std::to_string(kSchema));
  for (const auto& [name, bytes] : manifest.at("files").items()) {
    if (!models::is_plain_file_name(name))
      throw Error(Error::Kind::kData, "the manifest names " + json(name).dump() + ", which is outside");
    if (!fs::is_regular_file(folder / name)) throw Error(Error::Kind::kData, name + " is missing");
    if (fs::file_size(folder / name) != bytes.get<std::uintmax_t>())
      throw Error(Error::Kind::kData, name + " has " + std::to_string(fs::file_size(folder / name)) +
                                          " bytes where the manifest says " + bytes.dump());
  }
  return manifest;
} catch (const json::exception& error) {
  throw Error(Error::Kind::kData, std::string(kManifestFile) + " is damaged: " + error.what());
}

std::string sealed(json manifest) {
  manifest["schema"] = kSchema;
  const std::string check = text_hash(manifest.dump());
  manifest["check"] = check;
  return manifest.dump(1) + "\n";
}

void remove_checkpoint(const fs::path& folder) {
  std::error_code ignored;
  fs::remove(folder / kManifestFile, ignored);
  fs::remove_all(folder, ignored);
}

void remove_older(const fs::path& run_dir, std::int64_t step, std::int64_t keep) {
  if (keep == 0) return;
  std::int64_t kept = 0;
  for (const auto& [at_step, folder] : step_folders(run_dir)) {
    if (at_step > step) continue;
    if (kept >= keep)
      remove_checkpoint(folder);
    else if (looks_complete(folder))
      ++kept;
  }
}

}  // namespace caravan::trainer
