#include "models/weights/hf_directory.h"

#include <ATen/Parallel.h>

#include <cstring>
#include <filesystem>
#include <optional>
#include <set>

#include "models/error.h"
#include "models/weights/finite.h"
#include "models/weights/hf_layout.h"
#include "models/weights/json_fields.h"
#include "models/weights/quote.h"

namespace caravan::models {

namespace {

namespace fs = std::filesystem;

std::string join(const std::string& folder, std::string_view name) {
  return (fs::path(folder) / name).string();
}

// True for a dangling link too: opening it then says what is wrong.
bool is_there(const std::string& path) {
  std::error_code ignored;
  return fs::symlink_status(path, ignored).type() != fs::file_type::not_found;
}

void require_folder(const std::string& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return;
  throw Error(Error::Kind::kData,
              path + ": is " + (fs::exists(path, ignored) ? "no folder" : "not there") +
                  "; give the directory of a checkpoint, with config.json and model.safetensors");
}

// No safetensors at all: say why, and what is there instead.
[[noreturn]] void throw_no_weights(const std::string& folder) {
  std::error_code ignored;
  std::string others;
  std::string pickle;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (is_pickle_file(name) && (pickle.empty() || name < pickle)) pickle = name;
    if (name.ends_with(".safetensors")) others.append(" ").append(printable(name));
  }
  if (!pickle.empty()) {
    throw Error(Error::Kind::kUnsafe, join(folder, printable(pickle)) +
                                          ": these weights are a pickle, which can run any program when it "
                                          "is read, and is never read here; give a " +
                                          "checkpoint with model.safetensors (most hubs carry both), or "
                                          "convert it in an isolated environment");
  }
  throw Error(Error::Kind::kData,
              folder + ": has neither model.safetensors nor model.safetensors.index.json" +
                  (others.empty() ? "; fetch the weights of this checkpoint"
                                  : "; rename the right one of these, or add the index:" + others));
}

// A list of names for a message, not longer than a screen.
class NameList {
 public:
  void add(const std::string& text) {
    if (++count_ <= kShown) text_ += (count_ == 1 ? " " : ", ") + text;
  }
  std::string line(const std::string& title) const {
    return title + " (" + std::to_string(count_) + "):" + text_ + (count_ > kShown ? ", ..." : "");
  }
  bool empty() const { return count_ == 0; }

 private:
  static constexpr std::size_t kShown = 40;
  std::size_t count_ = 0;
  std::string text_;
};

bool is_ignored(std::string_view name) {
  return name.ends_with("rotary_emb.inv_freq");
}

std::string file_name(const SafetensorsFile& file) {
  return fs::path(file.path()).filename().string();
}

}  // namespace

HfDirectory::HfDirectory(const std::string& path) : path_(path) {
  require_folder(path);
  config_ = read_llama_config(join(path, kConfigFile));
  const std::string single = join(path, kSingleFile), index = join(path, kIndexFile);
  if (is_there(single) && is_there(index)) {
    throw Error(Error::Kind::kData,
                path + ": has both model.safetensors and model.safetensors.index.json, which may hold " +
                    "different weights; remove the one that is not meant");
  }
  if (!is_there(single) && !is_there(index)) throw_no_weights(path);
  if (is_there(single)) {
    files_.emplace_back(single);
    for (const StoredTensor& tensor : files_.front().tensors())
      entries_.emplace(tensor.name, Entry{0, &tensor});
  } else {
    open_shards(index);
  }
}

void HfDirectory::open_shards(const std::string& index) {
  const std::map<std::string, std::string> weight_map = read_weight_map(index);
  std::set<std::string> names;
  for (const auto& [tensor, file] : weight_map) names.insert(file);
  std::vector<std::string> problems;
  for (const std::string& name : names) {
    files_.emplace_back(join(path_, name));
    for (const StoredTensor& tensor : files_.back().tensors()) {
      const auto [place, is_new] = entries_.emplace(tensor.name, Entry{files_.size() - 1, &tensor});
      if (!is_new) {
        problems.push_back(printable(tensor.name) + " is in " + file_name(files_[place->second.file]) +
                           " and again in " + name);
      } else if (!weight_map.contains(tensor.name)) {
        problems.push_back(printable(tensor.name) + " is in " + name + " and not in the weight_map");
      }
    }
  }
  for (const auto& [tensor, file] : weight_map) {
    const auto found = entries_.find(tensor);
    const std::string actual = found == entries_.end() ? "no shard" : file_name(files_[found->second.file]);
    if (actual != file)
      problems.push_back(printable(tensor) + " should be in " + file + ", it is in " + actual);
  }
  if (problems.size() > 40) problems.resize(40);
  throw_problems(index, problems);
}

at::Tensor HfDirectory::tensor(std::string_view name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end())
    throw Error(Error::Kind::kData, path_ + ": holds no tensor " + printable(name));
  return files_[found->second.file].tensor(name);
}

namespace {

void compare_shapes(const HfDirectory& directory, std::span<const TensorShape> expected,
                    std::vector<std::string>& problems) {
  NameList missing, shapes, dtypes;
  bool headless = false;
  for (const TensorShape& wanted : expected) {
    const auto found = directory.entries().find(wanted.name);
    if (found == directory.entries().end()) {
      missing.add(wanted.name);
      headless = headless || (wanted.name.starts_with("model.") && directory.contains(wanted.name.substr(6)));
      continue;
    }
    const StoredTensor& stored = *found->second.tensor;
    const std::string& file = directory.files()[found->second.file].path();
    if (stored.shape != wanted.shape) {
      shapes.add(wanted.name + " is " + shape_text(stored.shape) + " in " + file + " and " +
                 shape_text(wanted.shape) + " by config.json");
    }
    if (!is_floating(stored.dtype))
      dtypes.add(wanted.name + " is " + std::string(safetensors_name(stored.dtype)) + " in " + file);
  }
  if (!missing.empty()) problems.push_back(missing.line("missing tensors"));
  if (headless)
    problems.push_back("names lack their first part \"model.\": save the whole causal model, not its body");
  if (!shapes.empty()) problems.push_back(shapes.line("wrong shapes"));
  if (!dtypes.empty()) problems.push_back(dtypes.line("weights must be F32, BF16, F16 or F64"));
}

void find_unexpected(const HfDirectory& directory, std::span<const TensorShape> expected, bool may_have_head,
                     std::vector<std::string>& problems) {
  std::set<std::string_view> wanted;
  for (const TensorShape& shape : expected) wanted.insert(shape.name);
  const bool may_have = may_have_head || directory.config().tie_word_embeddings;
  NameList unexpected;
  for (const auto& [name, entry] : directory.entries()) {
    if (wanted.contains(name) || is_ignored(name) || (may_have && name == kHeadName)) continue;
    unexpected.add(printable(name) + " in " + directory.files()[entry.file].path());
  }
  if (!unexpected.empty()) problems.push_back(unexpected.line("tensors config.json knows nothing of"));
}

// Two versions of transformers read this case differently, so either choice would drop weights of someone.
void compare_tied_head(const HfDirectory& directory, std::vector<std::string>& problems) {
  const auto head = directory.entries().find(kHeadName), embedding = directory.entries().find(kEmbeddingName);
  const auto end = directory.entries().end();
  if (!directory.config().tie_word_embeddings || head == end || embedding == end) return;
  const auto bytes = [&](const HfDirectory::Entry& entry) {
    return directory.files()[entry.file].bytes(*entry.tensor);
  };
  const StoredTensor &a = *head->second.tensor, &b = *embedding->second.tensor;
  const bool equal =
      a.dtype == b.dtype && a.shape == b.shape &&
      std::memcmp(bytes(head->second).data(), bytes(embedding->second).data(), a.end - a.begin) == 0;
  if (equal) return;
  problems.push_back("lm_head.weight in " + directory.files()[head->second.file].path() +
                     " differs from model.embed_tokens.weight, and tie_word_embeddings is true: set it to "
                     "false to keep the " +
                     "head, or remove lm_head.weight to tie it");
}

void find_non_finite(const HfDirectory& directory, std::span<const TensorShape> expected,
                     std::vector<std::string>& problems) {
  std::vector<std::optional<std::size_t>> found(expected.size());
  at::parallel_for(
      0, static_cast<std::int64_t>(expected.size()), 1, [&](std::int64_t begin, std::int64_t end) {
        for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
          const auto place = directory.entries().find(expected[i].name);
          if (place == directory.entries().end()) continue;
          const StoredTensor& stored = *place->second.tensor;
          found[i] = first_non_finite(directory.files()[place->second.file].bytes(stored), stored.dtype);
        }
      });
  NameList bad;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (!found[i]) continue;
    const std::size_t file = directory.entries().find(expected[i].name)->second.file;
    bad.add(expected[i].name + " at element " + std::to_string(*found[i]) + " in " +
            directory.files()[file].path());
  }
  if (!bad.empty()) problems.push_back(bad.line("tensors with NaN or infinity"));
}

}  // namespace

void HfDirectory::check(std::span<const TensorShape> expected, const CheckOptions& options) const {
  std::vector<std::string> problems;
  compare_shapes(*this, expected, problems);
  find_unexpected(*this, expected, options.may_have_head, problems);
  compare_tied_head(*this, problems);
  if (options.refuse_non_finite) find_non_finite(*this, expected, problems);
  const std::string files =
      files_.size() == 1 ? file_name(files_.front()) : std::to_string(files_.size()) + " shards";
  throw_problems(path_ + ": the weights in " + files +
                     " do not fit config.json or are damaged (fetch them again, or correct config.json)",
                 problems);
}

}  // namespace caravan::models
