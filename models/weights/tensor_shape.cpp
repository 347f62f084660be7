#include "models/weights/tensor_shape.h"

namespace caravan::models {

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (const std::int64_t size : shape) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(size);
  }
  return text + "]";
}

std::uint64_t byte_size(const std::vector<std::int64_t>& shape, Dtype dtype) {
  std::uint64_t bytes = dtype_size(dtype);
  for (const std::int64_t size : shape) bytes *= static_cast<std::uint64_t>(size);
  return bytes;
}

}  // namespace caravan::models
