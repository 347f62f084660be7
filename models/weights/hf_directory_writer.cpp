#include "models/weights/hf_directory_writer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <unordered_map>

#include "models/error.h"
#include "models/llama/parameter_shapes.h"
#include "models/weights/content_hash.h"
#include "models/weights/finite.h"
#include "models/weights/hf_directory.h"
#include "models/weights/hf_layout.h"
#include "models/weights/json_fields.h"
#include "models/weights/link_target.h"
#include "models/weights/mapped_file.h"
#include "models/weights/output_file.h"
#include "models/weights/quote.h"
#include "models/weights/safetensors_writer.h"

namespace caravan::models {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& text) {
  throw Error(Error::Kind::kData, text);
}

// Where the path really is: a link to a folder is followed, so that the folder and not the link is replaced.
std::string resolved(const std::string& directory) {
  std::error_code error;
  const fs::path absolute = fs::weakly_canonical(fs::absolute(directory), error);
  if (error) throw Error(Error::Kind::kInputOutput, directory + ": cannot be resolved: " + error.message());
  std::string text = absolute.string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

// The specs must be the model that config.json will describe: nothing missing, nothing too many, one dtype.
Dtype check_specs(const LlamaConfig& config, std::span<const TensorSpec> specs, const std::string& where) {
  std::map<std::string, const TensorSpec*> given;
  std::vector<std::string> problems;
  for (const TensorSpec& spec : specs) {
    if (!given.emplace(spec.name, &spec).second)
      problems.push_back("tensor " + printable(spec.name) + " is given twice");
  }
  for (const TensorShape& wanted : llama_parameter_shapes(config)) {
    const auto found = given.find(wanted.name);
    if (found == given.end()) {
      problems.push_back("tensor " + wanted.name + " of the config is not among those to write");
    } else if (found->second->shape != wanted.shape) {
      problems.push_back("tensor " + wanted.name + " is " + shape_text(found->second->shape) +
                         ", the config says " + shape_text(wanted.shape));
    }
    if (found != given.end()) given.erase(found);
  }
  for (const auto& [name, spec] : given)
    problems.push_back("tensor " + printable(name) + " is not part of the config's model");
  for (const TensorSpec& spec : specs) {
    if (spec.dtype != specs.front().dtype || !is_floating(spec.dtype)) {
      problems.push_back("tensor " + printable(spec.name) + " is " + std::string(dtype_name(spec.dtype)) +
                         "; all must have one floating dtype, config.json has room for one");
    }
  }
  if (problems.size() > 40) problems.resize(40);
  throw_problems(where, problems);
  return specs.front().dtype;
}

// Companion files of `source`, path inside the directory -> content.
std::map<std::string, std::string> read_companions(const std::string& source) {
  constexpr std::size_t kMaxBytes = 1'000'000'000;
  std::map<std::string, std::string> files;
  if (source.empty()) return files;
  require_own_companions(source);
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(source, error)) {
    const std::string name = entry.path().filename().string();
    if (is_companion_file(name)) files[name] = read_text_file(entry.path().string(), kMaxBytes);
  }
  if (error) fail(source + ": tokenizer and other files cannot be copied from it: " + error.message());
  const fs::path templates = fs::path(source) / kTemplateFolder;
  for (const fs::directory_entry& entry : fs::directory_iterator(templates, error)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".jinja"))
      files[(kTemplateFolder / fs::path(name)).string()] = read_text_file(entry.path().string(), kMaxBytes);
  }
  return files;
}

// DIR.partial, owned by this process until it is gone.
class PartialFolder {
 public:
  explicit PartialFolder(const std::string& path) : path_(path) {
    std::error_code error;
    fs::create_directories(path_, error);
    descriptor_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor_ < 0) {
      throw Error(Error::Kind::kInputOutput,
                  path_ + ": cannot be created: " + (error ? error.message() : "no folder") +
                      "; choose a place you may write to");
    }
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      ::close(descriptor_);
      throw Error(Error::Kind::kInputOutput,
                  path_ + ": another process is writing it; wait for it or choose another directory");
    }
    refuse_if_moved();
    clear();  // what a killed process left
  }
  ~PartialFolder() {
    std::error_code ignored;
    if (!kept_) fs::remove_all(path_, ignored);
    ::close(descriptor_);
  }
  PartialFolder(const PartialFolder&) = delete;
  PartialFolder& operator=(const PartialFolder&) = delete;

  void keep() { kept_ = true; }
  const std::string& path() const { return path_; }

 private:
  // Between opening and locking, the process that held the lock may have renamed the folder into its place.
  void refuse_if_moved() {
    struct stat opened {
    }, named{};
    if (::fstat(descriptor_, &opened) == 0 && ::stat(path_.c_str(), &named) == 0 &&
        opened.st_ino == named.st_ino)
      return;
    ::close(descriptor_);
    throw Error(Error::Kind::kInputOutput,
                path_ + ": another process has just written it; look at its result first");
  }
  void clear() const {
    std::error_code ignored;
    for (const fs::directory_entry& entry : fs::directory_iterator(path_, ignored))
      fs::remove_all(entry.path(), ignored);
  }

  std::string path_;
  int descriptor_ = -1;
  bool kept_ = false;
};

}  // namespace

struct HfDirectoryWriter::State {
  struct OpenShard {
    std::unique_ptr<SafetensorsWriter> writer;
    std::size_t remaining = 0;
  };

  std::string target;
  LlamaConfig config;
  bool replace_existing = false;
  bool refuse_non_finite = true;
  std::vector<Shard> shards;
  std::map<std::string, std::string> files;  // path inside the directory -> content, all but the weights
  std::unordered_map<std::string, std::size_t> shard_of;
  std::unordered_map<std::string, std::string> hashes;  // of what was in memory
  std::optional<PartialFolder> partial;
  std::vector<OpenShard> open;  // after `partial`: destroyed before it
  bool finished = false;

  std::string inside(const std::string& name) const { return (fs::path(partial->path()) / name).string(); }
  void refuse_existing() const;
  void prepare(const HfWriterOptions& options);
  void require_room() const;
  void write_files() const;
  std::uint64_t verify() const;
  void move_into_place();
};

void HfDirectoryWriter::State::refuse_existing() const {
  std::error_code ignored;
  if (!fs::exists(target, ignored)) return;
  if (!fs::is_directory(target, ignored)) fail(target + ": is a file; give the name of a directory");
  if (!replace_existing && !fs::is_empty(target, ignored)) {
    fail(target + ": is there already and not empty; choose another directory or remove it");
  }
}

void HfDirectoryWriter::State::prepare(const HfWriterOptions& options) {
  files = read_companions(options.source);
  for (const auto& [name, content] : options.files) {
    if (!is_plain_file_name(name)) {
      throw Error(Error::Kind::kUnsafe, target + ": file name \"" + printable(name) + "\" is no plain name");
    }
    files[name] = content;
  }
  files[std::string(kConfigFile)] = to_json(config).dump(2) + "\n";
  if (shards.size() > 1) files[std::string(kIndexFile)] = index_json(shards).dump(2) + "\n";
  for (std::size_t i = 0; i < shards.size(); ++i) {
    for (const TensorSpec& spec : shards[i].specs) shard_of.emplace(spec.name, i);
    open.push_back({nullptr, shards[i].specs.size()});
    if (files.contains(shards[i].file))
      fail(target + ": " + shards[i].file + " is given as a file and as weights");
  }
}

// The whole size at once; each shard takes its room for certain when it is opened.
void HfDirectoryWriter::State::require_room() const {
  std::uint64_t needed = 0;
  for (const Shard& shard : shards) needed += lay_out_safetensors(shard.specs, {{"format", "pt"}}).file_bytes;
  for (const auto& [name, content] : files) needed += content.size();
  std::error_code error;
  const fs::space_info space = fs::space(partial->path(), error);
  if (!error && space.available < needed) {
    throw Error(Error::Kind::kInputOutput, target + ": needs " + std::to_string(needed) +
                                               " bytes, the disk has " + std::to_string(space.available) +
                                               " free; free space or choose another disk");
  }
}

HfDirectoryWriter::HfDirectoryWriter(const std::string& directory, const LlamaConfig& config,
                                     std::span<const TensorSpec> specs, const HfWriterOptions& options)
    : state_(std::make_unique<State>()) {
  state_->target = resolved(directory);
  state_->config = config;
  state_->replace_existing = options.replace_existing;
  state_->refuse_non_finite = options.refuse_non_finite;
  check_llama_config(config, state_->target);
  state_->config.dtype = check_specs(config, specs, state_->target);
  if (!(llama_config_from_json(to_json(state_->config), state_->target) == state_->config)) {
    fail(state_->target + ": this config would not read back as it is from the config.json made of it");
  }
  state_->refuse_existing();
  state_->shards = plan_shards(specs, options.max_shard_bytes);
  state_->prepare(options);
  state_->partial.emplace(state_->target + ".partial");
  state_->require_room();
}

HfDirectoryWriter::~HfDirectoryWriter() = default;

void HfDirectoryWriter::add(const std::string& name, const at::Tensor& tensor) {
  const auto found = state_->shard_of.find(name);
  if (found == state_->shard_of.end())
    fail(state_->target + ": tensor " + printable(name) + " is not among those announced");
  const Shard& shard = state_->shards[found->second];
  State::OpenShard& open = state_->open[found->second];
  const at::Tensor content = tensor.detach().to(at::kCPU).contiguous();
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(content.const_data_ptr()),
                                         content.nbytes());
  if (const auto bad = first_non_finite(bytes, state_->config.dtype.value());
      bad && state_->refuse_non_finite) {
    fail(state_->target + ": tensor " + name + " holds NaN or infinity at element " + std::to_string(*bad) +
         "; the model has diverged: go back to an earlier checkpoint and lower the learning rate");
  }
  if (!open.writer && open.remaining > 0) {
    open.writer = std::make_unique<SafetensorsWriter>(state_->inside(shard.file), shard.specs);
  }
  if (!open.writer) fail(state_->target + ": tensor " + name + " comes twice");
  state_->hashes[name] = open.writer->add(name, content);
  if (--open.remaining > 0) return;
  open.writer->finish();
  open.writer.reset();
}

void HfDirectoryWriter::State::write_files() const {
  for (const auto& [name, content] : files) {
    const std::string path = inside(name);
    std::error_code error;
    fs::create_directories(fs::path(path).parent_path(), error);
    write_file(path, content);
    if (fs::path(name).has_parent_path()) sync_folder(fs::path(path).parent_path().string());
  }
  sync_folder(partial->path());
}

// Reads everything back from the disk as a user of the checkpoint would. Returns the bytes of all tensors.
std::uint64_t HfDirectoryWriter::State::verify() const {
  const auto damaged = [&](const std::string& what) {
    throw Error(Error::Kind::kInputOutput,
                target + ": " + what + " does not read back as it was written; the disk, the file " +
                    "system or the memory is at fault: nothing was published, check them");
  };
  const HfDirectory written(partial->path());
  if (!(written.config() == config)) damaged("config.json");
  if (written.entries().size() != hashes.size()) damaged("the list of tensors");
  std::uint64_t bytes = 0;
  for (const auto& [name, entry] : written.entries()) {
    const std::span<const std::byte> content = written.files()[entry.file].bytes(*entry.tensor);
    const auto hash = hashes.find(name);
    if (hash == hashes.end() || hash->second != content_hash(content)) damaged("tensor " + name);
    bytes += content.size();
  }
  for (const auto& [name, content] : files) {
    if (read_text_file(inside(name), content.size()) != content) damaged(name);
  }
  return bytes;
}

void HfDirectoryWriter::State::move_into_place() {
  refuse_existing();  // it may have appeared meanwhile
  std::error_code ignored;
  if (fs::exists(target, ignored) && !fs::is_empty(target, ignored)) {
    replace_folder(partial->path(), target);
  } else {
    rename_path(partial->path(), target);
  }
  partial->keep();
  sync_folder(fs::path(target).parent_path().string());
}

HfDirectoryWriter::Summary HfDirectoryWriter::finish() {
  State& state = *state_;
  if (state.finished) fail(state.target + ": finish() is called twice");
  for (const auto& [name, shard] : state.shard_of) {
    if (!state.hashes.contains(name))
      fail(state.target + ": tensor " + name + " was announced and never came");
  }
  state.write_files();
  Summary summary;
  summary.tensor_bytes = state.verify();
  summary.tensors = state.hashes.size();
  for (const auto& [name, content] : state.files) summary.files.push_back(name);
  for (const Shard& shard : state.shards) summary.files.push_back(shard.file);
  std::sort(summary.files.begin(), summary.files.end());
  state.move_into_place();
  state.finished = true;
  return summary;
}

}  // namespace caravan::models
