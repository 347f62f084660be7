// Writes one safetensors file, one tensor in memory at a time; the file appears under its name only when it
// is whole.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/weights/tensor_shape.h"

namespace caravan::models {

// 128-bit hash of a tensor's bytes, in hex: equal hash = equal bits.
std::string tensor_hash(const at::Tensor& tensor);

// The whole content is fixed by the specs first, then tensors come in any order. Until finish() everything is
// in PATH.partial; a writer that is destroyed before leaves nothing behind. Not for use by several threads at
// once.
class SafetensorsWriter {
 public:
  // Reserves the space on the disk. Throws Error (74) where it is not there, Error (65) for a doubled name.
  SafetensorsWriter(const std::string& path, std::span<const TensorSpec> specs,
                    const std::map<std::string, std::string>& metadata = {{"format", "pt"}});
  ~SafetensorsWriter();
  SafetensorsWriter(const SafetensorsWriter&) = delete;
  SafetensorsWriter& operator=(const SafetensorsWriter&) = delete;

  // Any device and layout; dtype and shape must be those of the spec. Each name once. Returns the hash of the
  // bytes written. Throws Error (65) where the tensor does not fit its spec, Error (74) on a failed or short
  // write.
  std::string add(const std::string& name, const at::Tensor& tensor);
  // Every spec must have been added. fsync, rename, fsync of the folder. Throws Error (74).
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// All of it in one call, for small files.
void write_safetensors(const std::string& path, const std::map<std::string, at::Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {{"format", "pt"}});

}  // namespace caravan::models
