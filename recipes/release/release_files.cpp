#include "recipes/release/release_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include "data/bounded_json.h"
#include "data/error.h"
#include "data/message.h"
#include "data/walk/whole_file.h"
#include "models/llama/config.h"
#include "models/weights/hf_layout.h"
#include "models/weights/link_target.h"

namespace caravan::recipes {
namespace {

namespace fs = std::filesystem;
using data::Error;
using data::Json;

bool is_weights(const std::string& name) {
  return name.ends_with(".safetensors");
}

void sync(const fs::path& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && fsync(descriptor) == 0;
  const int error = errno;
  if (descriptor >= 0) close(descriptor);
  if (!synced) throw Error(Error::Kind::kInputOutput, path.string() + ": " + std::strerror(error));
}

// std::filesystem::copy_file names the file that is read where the disk of the other is full, and calls that
// an error of input and output.
void copy_bytes(const fs::path& from, const fs::path& to) {
  std::ifstream in(from, std::ios::binary);
  data::WholeFile out(to.string(), {});
  std::vector<char> buffer(std::size_t{1} << 20);
  while (in.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || in.gcount() > 0)
    out.write({buffer.data(), static_cast<std::size_t>(in.gcount())});
  if (!in.eof()) throw Error(Error::Kind::kInputOutput, from.string() + ": cannot be read to its end");
  out.finish();
  out.commit();
}

void link_file(const fs::path& from, const fs::path& to) {
  std::error_code error;
  // A checkpoint of links, as hub caches have them, is taken by what they name.
  fs::create_hard_link(fs::canonical(from), to, error);
  if (error)
    throw Error(Error::Kind::kUsage, "run.weights: link: " + from.string() + " cannot be linked to " +
                                         to.string() + ": " + error.message() + "; write run.weights: copy");
}

// What ends a text, and the other tokens that programs look for here.
std::string generation_config_text(const fs::path& config_file) {
  const models::LlamaConfig config = models::read_llama_config(config_file.string());
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  if (config.bos_token_id) json["bos_token_id"] = *config.bos_token_id;
  if (config.eos_token_id.size() == 1)
    json["eos_token_id"] = config.eos_token_id.front();
  else if (!config.eos_token_id.empty())
    json["eos_token_id"] = config.eos_token_id;
  if (config.pad_token_id) json["pad_token_id"] = *config.pad_token_id;
  return json.dump(2) + "\n";
}

}  // namespace

ReleaseFiles::ReleaseFiles(const fs::path& checkpoint) : checkpoint_(checkpoint) {
  for (const NamedFile& file : listed(checkpoint)) {
    if (models::is_pickle_file(file.name))
      throw Error(
          Error::Kind::kUnsafe,
          file.path.string() + ": runs code when it is read; release a folder that has safetensors alone");
    if (file.name == models::kConfigFile || file.name == models::kIndexFile || is_weights(file.name) ||
        models::is_companion_file(file.name)) {
      if (!is_weights(file.name)) models::require_own_file(checkpoint, file.path);
      files_.push_back(file);
    }
  }
  hashes_ = hash_files(files_);
}

void ReleaseFiles::write_to(const fs::path& folder, bool link, const std::string& template_text) const {
  constexpr const char *kTemplate = "chat_template.jinja", *kGeneration = "generation_config.json";
  std::map<std::string, std::string> expected = hashes_;
  for (const NamedFile& file : files_) {
    if (link && is_weights(file.name)) {
      link_file(file.path, folder / file.name);
    } else {
      copy_bytes(file.path, folder / file.name);
    }
  }
  if (!template_text.empty()) {
    data::write_whole_file((folder / kTemplate).string(), template_text, {true, {}});
    expected.erase(kTemplate);
  }
  if (!hashes_.contains(kGeneration))
    data::write_whole_file((folder / kGeneration).string(),
                           generation_config_text(checkpoint_ / "config.json"), {});
  const std::map<std::string, std::string> written = hash_files(listed(folder));
  for (const auto& [name, hash] : expected) {
    const auto found = written.find(name);
    if (found == written.end() || found->second != hash)
      throw Error(Error::Kind::kInternal, (folder / name).string() +
                                              ": what the disk holds is not what was read from " +
                                              checkpoint_.string() + "; nothing was released");
  }
}

void ReleaseFiles::require_same_release(const fs::path& released) const {
  const auto refuse = [&](const std::string& found) {
    throw Error(Error::Kind::kUnsafe,
                released.string() + ": " + found + "; a release is never replaced: choose another run.dir");
  };
  const Json card = data::parse_bounded_json(text_of(released / "release.json"));
  if (!card.is_object() || !card.contains("files") || !card["files"].is_object())
    refuse("is there, and no release of ours");
  if (card.value("checkpoint", Json()) != Json(hashes_)) refuse("is the release of another checkpoint");
  const std::map<std::string, std::string> here = hash_files(listed(released));
  for (const auto& [name, hash] : card["files"].items()) {
    const auto found = here.find(name);
    if (found == here.end() || hash != found->second) refuse(name + " is not what was released");
  }
}

std::vector<NamedFile> ReleaseFiles::listed(const fs::path& folder) {
  std::vector<NamedFile> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back({entry.path().filename().string(), entry.path()});
  std::ranges::sort(files, {}, &NamedFile::name);
  return files;
}

void ReleaseFiles::publish(const fs::path& partial, const fs::path& released) {
  sync(partial);
  std::error_code error;
  if (fs::exists(released, error))
    throw Error(Error::Kind::kUnsafe, released.string() + ": is there; choose another run.dir");
  fs::rename(partial, released);
  sync(released.parent_path());
}

std::string ReleaseFiles::text_of(const fs::path& file) {
  constexpr std::size_t kMax = 1u << 20;
  if (file.empty()) return {};
  std::ifstream in(file, std::ios::binary);
  if (!in) return {};
  std::string text(kMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kMax) throw Error(Error::Kind::kUsage, file.string() + ": holds more than 1 MiB");
  return text;
}

}  // namespace caravan::recipes
