// Element types of stored tensors and their names in safetensors headers and in config.json. Free of
// LibTorch.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace caravan::models {

enum class Dtype { kFloat64, kFloat32, kFloat16, kBFloat16, kInt64, kInt32, kInt16, kInt8, kUInt8, kBool };

// Bytes of one element.
std::size_t dtype_size(Dtype dtype);
bool is_floating(Dtype dtype);

// "F32", "BF16", ... as safetensors headers say. Nothing for a name we do not read.
std::string_view safetensors_name(Dtype dtype);
std::optional<Dtype> dtype_of_safetensors_name(std::string_view name);
// "float32", "bfloat16", ... as config.json and recipes say; a leading "torch." is accepted.
std::string_view dtype_name(Dtype dtype);
std::optional<Dtype> dtype_of_name(std::string_view name);

}  // namespace caravan::models
