#include "models/weights/safetensors_writer.h"

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <optional>
#include <unordered_map>

#include "models/error.h"
#include "models/weights/content_hash.h"
#include "models/weights/output_file.h"
#include "models/weights/quote.h"
#include "models/weights/safetensors.h"

namespace caravan::models {

namespace {

// On the CPU and in one piece; the tensor itself where it already is.
at::Tensor plain(const at::Tensor& tensor) {
  return tensor.detach().to(at::kCPU).contiguous();
}

std::span<const std::byte> bytes_of(const at::Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()};
}

}  // namespace

std::string tensor_hash(const at::Tensor& tensor) {
  return content_hash(bytes_of(plain(tensor)));
}

struct SafetensorsWriter::State {
  std::string path;
  std::string partial;
  SafetensorsLayout layout;
  std::unordered_map<std::string, std::size_t> index;  // name -> layout.tensors
  std::vector<bool> added;
  std::optional<OutputFile> file;
  bool finished = false;

  ~State() {
    file.reset();
    std::error_code ignored;
    if (!finished) std::filesystem::remove(partial, ignored);
  }
};

SafetensorsWriter::SafetensorsWriter(const std::string& path, std::span<const TensorSpec> specs,
                                     const std::map<std::string, std::string>& metadata)
    : state_(std::make_unique<State>()) {
  state_->path = path;
  state_->partial = path + ".partial";
  state_->layout = lay_out_safetensors(specs, metadata);
  for (std::size_t i = 0; i < specs.size(); ++i) state_->index.emplace(specs[i].name, i);
  state_->added.resize(specs.size());
  state_->file.emplace(state_->partial);
  state_->file->reserve(state_->layout.file_bytes);
  state_->file->write_at(0, std::as_bytes(std::span(state_->layout.header)));
}

SafetensorsWriter::~SafetensorsWriter() = default;

std::string SafetensorsWriter::add(const std::string& name, const at::Tensor& tensor) {
  const auto fail = [&](const std::string& what) {
    throw Error(Error::Kind::kData, state_->path + ": tensor " + printable(name) + " " + what);
  };
  const auto found = state_->index.find(name);
  if (found == state_->index.end()) fail("is not among those announced for this file");
  if (state_->added[found->second]) fail("comes twice");
  const StoredTensor& slot = state_->layout.tensors[found->second];
  if (tensor.sizes() != at::IntArrayRef(slot.shape) || to_dtype(tensor.scalar_type()) != slot.dtype) {
    fail("is " + std::string(c10::toString(tensor.scalar_type())) + " " + shape_text(tensor.sizes().vec()) +
         ", announced was " + std::string(dtype_name(slot.dtype)) + " " + shape_text(slot.shape));
  }
  const at::Tensor content = plain(tensor);
  state_->file->write_at(slot.begin, bytes_of(content));
  state_->added[found->second] = true;
  return content_hash(bytes_of(content));
}

void SafetensorsWriter::finish() {
  for (std::size_t i = 0; i < state_->added.size(); ++i) {
    if (!state_->added[i]) {
      throw Error(Error::Kind::kData, state_->path + ": tensor " + printable(state_->layout.tensors[i].name) +
                                          " was announced and never came");
    }
  }
  state_->file->sync();
  state_->file->close();
  rename_path(state_->partial, state_->path);
  state_->finished = true;
  const std::string folder = std::filesystem::path(state_->path).parent_path().string();
  sync_folder(folder.empty() ? "." : folder);
}

void write_safetensors(const std::string& path, const std::map<std::string, at::Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<TensorSpec> specs;
  for (const auto& [name, tensor] : tensors)
    specs.push_back({name, to_dtype(tensor.scalar_type()), tensor.sizes().vec()});
  SafetensorsWriter writer(path, specs, metadata);
  for (const auto& [name, tensor] : tensors) writer.add(name, tensor);
  writer.finish();
}

}  // namespace caravan::models
