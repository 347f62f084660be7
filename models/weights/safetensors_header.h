// The JSON at the start of a safetensors file: parsed with every check, and made. Free of LibTorch.
//
// File: 8 bytes little-endian header length, header, data. Header: {"__metadata__": {text: text}, name:
// {"dtype", "shape", "data_offsets": [begin, end]}}, offsets relative to the data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "models/weights/tensor_shape.h"

namespace caravan::models {

struct StoredTensor {
  std::string name;
  Dtype dtype = Dtype::kFloat32;
  std::vector<std::int64_t> shape;
  // Bytes from the start of the file; end is one past the last.
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<StoredTensor> tensors;  // sorted by name
  std::map<std::string, std::string> metadata;
};

inline constexpr std::uint64_t kMaxSafetensorsHeaderBytes = 100'000'000;

// Checks everything that can be checked without reading the data. `file` is the whole file; only the header
// is touched. Throws Error (65) with `path` and, where one tensor is at fault, its name.
SafetensorsHeader parse_safetensors_header(std::span<const std::byte> file, const std::string& path);

// Length field and header for these tensors, padded with blanks so that the data starts at a multiple of 8,
// and the place of each tensor in the file, in the order of `specs`. Data lie by descending element size,
// then by name, as the reference library lays them out, so every tensor is aligned for its dtype. Throws
// Error (65) on a doubled name.
struct SafetensorsLayout {
  std::string header;
  std::vector<StoredTensor> tensors;
  std::uint64_t file_bytes = 0;
};
SafetensorsLayout lay_out_safetensors(std::span<const TensorSpec> specs,
                                      const std::map<std::string, std::string>& metadata);

}  // namespace caravan::models
