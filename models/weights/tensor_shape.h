// A tensor's name and sizes, before there is a tensor.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/weights/dtype.h"

namespace caravan::models {

struct TensorShape {
  std::string name;
  std::vector<std::int64_t> shape;
  bool operator==(const TensorShape&) const = default;
};

// A tensor that is going to be written.
struct TensorSpec {
  std::string name;
  Dtype dtype = Dtype::kFloat32;
  std::vector<std::int64_t> shape;
  bool operator==(const TensorSpec&) const = default;
};

// "[24, 16]".
std::string shape_text(const std::vector<std::int64_t>& shape);
// Bytes of such a tensor. Precondition: sizes that do not overflow, as everything we read or build has.
std::uint64_t byte_size(const std::vector<std::int64_t>& shape, Dtype dtype);

}  // namespace caravan::models
