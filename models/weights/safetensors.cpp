#include "models/weights/safetensors.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "models/error.h"
#include "models/weights/mapped_file.h"
#include "models/weights/quote.h"

namespace caravan::models {

at::ScalarType to_scalar_type(Dtype dtype) {
  switch (dtype) {
    case Dtype::kFloat64:
      return at::kDouble;
    case Dtype::kFloat32:
      return at::kFloat;
    case Dtype::kFloat16:
      return at::kHalf;
    case Dtype::kBFloat16:
      return at::kBFloat16;
    case Dtype::kInt64:
      return at::kLong;
    case Dtype::kInt32:
      return at::kInt;
    case Dtype::kInt16:
      return at::kShort;
    case Dtype::kInt8:
      return at::kChar;
    case Dtype::kUInt8:
      return at::kByte;
    case Dtype::kBool:
      break;
  }
  return at::kBool;
}

Dtype to_dtype(at::ScalarType type) {
  for (const Dtype dtype :
       {Dtype::kFloat64, Dtype::kFloat32, Dtype::kFloat16, Dtype::kBFloat16, Dtype::kInt64, Dtype::kInt32,
        Dtype::kInt16, Dtype::kInt8, Dtype::kUInt8, Dtype::kBool}) {
    if (to_scalar_type(dtype) == type) return dtype;
  }
  throw Error(Error::Kind::kData,
              std::string("dtype ") + c10::toString(type) +
                  " cannot be stored; allowed: F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL");
}

SafetensorsFile::SafetensorsFile(const std::string& path)
    : path_(path),
      map_(std::make_shared<const MappedFile>(path)),
      header_(std::make_shared<const SafetensorsHeader>(parse_safetensors_header(map_->bytes(), path))) {}

const StoredTensor* SafetensorsFile::find(std::string_view name) const {
  const auto found =
      std::lower_bound(tensors().begin(), tensors().end(), name,
                       [](const StoredTensor& tensor, std::string_view key) { return tensor.name < key; });
  return found != tensors().end() && found->name == name ? &*found : nullptr;
}

std::span<const std::byte> SafetensorsFile::bytes(const StoredTensor& tensor) const {
  return map_->bytes().subspan(tensor.begin, tensor.end - tensor.begin);
}

at::Tensor SafetensorsFile::tensor(std::string_view name) const {
  const StoredTensor* stored = find(name);
  if (stored == nullptr) throw Error(Error::Kind::kData, path_ + ": holds no tensor " + printable(name));
  const at::TensorOptions options = at::TensorOptions().dtype(to_scalar_type(stored->dtype));
  const std::span<const std::byte> content = bytes(*stored);
  if (reinterpret_cast<std::uintptr_t>(content.data()) % dtype_size(stored->dtype) != 0 || content.empty()) {
    at::Tensor copy = at::empty(stored->shape, options);
    if (!content.empty()) std::memcpy(copy.mutable_data_ptr(), content.data(), content.size());
    return copy;
  }
  // The deleter holds the map; LibTorch wants a pointer to mutable data, the map itself refuses writes.
  return at::from_blob(
      const_cast<std::byte*>(content.data()), stored->shape, [map = map_](void*) {}, options);
}

}  // namespace caravan::models
