#include "models/weights/dtype.h"

#include <array>

namespace caravan::models {

namespace {

struct DtypeFacts {
  Dtype dtype;
  std::size_t size;
  bool floating;
  std::string_view stored;  // in safetensors
  std::string_view name;    // in config.json
};

// In the order of the enum, so that a dtype is its own index.
constexpr std::array<DtypeFacts, 10> kFacts{{{Dtype::kFloat64, 8, true, "F64", "float64"},
                                             {Dtype::kFloat32, 4, true, "F32", "float32"},
                                             {Dtype::kFloat16, 2, true, "F16", "float16"},
                                             {Dtype::kBFloat16, 2, true, "BF16", "bfloat16"},
                                             {Dtype::kInt64, 8, false, "I64", "int64"},
                                             {Dtype::kInt32, 4, false, "I32", "int32"},
                                             {Dtype::kInt16, 2, false, "I16", "int16"},
                                             {Dtype::kInt8, 1, false, "I8", "int8"},
                                             {Dtype::kUInt8, 1, false, "U8", "uint8"},
                                             {Dtype::kBool, 1, false, "BOOL", "bool"}}};

const DtypeFacts& facts(Dtype dtype) {
  return kFacts[static_cast<std::size_t>(dtype)];
}

}  // namespace

std::size_t dtype_size(Dtype dtype) {
  return facts(dtype).size;
}
bool is_floating(Dtype dtype) {
  return facts(dtype).floating;
}
std::string_view safetensors_name(Dtype dtype) {
  return facts(dtype).stored;
}
std::string_view dtype_name(Dtype dtype) {
  return facts(dtype).name;
}

std::optional<Dtype> dtype_of_safetensors_name(std::string_view name) {
  for (const DtypeFacts& entry : kFacts) {
    if (entry.stored == name) return entry.dtype;
  }
  return std::nullopt;
}

std::optional<Dtype> dtype_of_name(std::string_view name) {
  if (name.starts_with("torch.")) name.remove_prefix(6);
  for (const DtypeFacts& entry : kFacts) {
    if (entry.name == name) return entry.dtype;
  }
  return std::nullopt;
}

}  // namespace caravan::models
