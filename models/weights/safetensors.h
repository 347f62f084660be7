// Reads one safetensors file through a memory map.
//
// Goals: no byte is believed before it is checked (lengths, JSON, dtypes, shapes, ranges: inside the file, no
// overlap, no hole), opening costs the header only, tensors are views on the map. Non-goals: F8, F4 and other
// dtypes LibTorch code of ours has no use for.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/weights/safetensors_header.h"

namespace caravan::models {

class MappedFile;

// dtype of LibTorch and back. Throws Error (65) for a dtype that safetensors files of ours do not hold.
at::ScalarType to_scalar_type(Dtype dtype);
Dtype to_dtype(at::ScalarType type);

// Copies share the map. Const and safe to use from several threads.
class SafetensorsFile {
 public:
  // Throws Error (65) that names the file, and the tensor where it is one tensor's fault; Error (74) where it
  // cannot be read.
  explicit SafetensorsFile(const std::string& path);

  const std::string& path() const { return path_; }
  // Sorted by name.
  const std::vector<StoredTensor>& tensors() const { return header_->tensors; }
  const std::map<std::string, std::string>& metadata() const { return header_->metadata; }
  // Null where the file does not hold it.
  const StoredTensor* find(std::string_view name) const;
  std::span<const std::byte> bytes(const StoredTensor& tensor) const;

  // CPU tensor, contiguous. It is a view on the map, which lives as long as any view: READ ONLY memory, so
  // copy from it, never write to it. A tensor whose bytes are not aligned for its dtype is a copy. Throws
  // Error (65) where the name is unknown.
  at::Tensor tensor(std::string_view name) const;

 private:
  std::string path_;
  std::shared_ptr<const MappedFile> map_;
  std::shared_ptr<const SafetensorsHeader> header_;  // shared, so pointers into it outlive copies
};

}  // namespace caravan::models
