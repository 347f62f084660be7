// The parameters of one unit of the model (embedding, a block, the head) in one flat buffer.
//
// One buffer per unit is what gets gathered, reduced, stepped and saved; parameters are views. Parameters
// that one GEMM can serve (q, k and v; gate and up) lie side by side, so their fused matrix is a view too.
// The memory behind the views can go and come back while they stay: sharded parameters are whole only
// while their unit computes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/parameter.h"

namespace caravan::models {

struct Slot {
  std::string name;  // as Hugging Face's: model.layers.0.self_attn.q_proj.weight
  std::vector<std::int64_t> shape;
  std::int64_t offset = 0;  // in elements
  std::int64_t count = 0;
  bool decay = false;  // matrices decay, norms and biases do not
};

class FlatUnit {
 public:
  explicit FlatUnit(std::string name) : name_(std::move(name)) {}

  // Slots of one group lie without gap; each group starts on a 64-element border, so that its rows stay
  // aligned.
  void add_group(const std::vector<std::pair<std::string, std::vector<std::int64_t>>>& parameters);
  // Adds zeros at the end up to a multiple of this many elements, so that the buffer divides among ranks.
  void pad_to(std::int64_t multiple);
  // Makes `values` (zeros) and, if asked, `gradients` (zeros).
  void allocate(at::ScalarType dtype, const at::Device& device);
  void allocate_gradients(at::ScalarType dtype);

  // A view without memory must not be read or written. `memory` has size() elements of the same
  // dtype and device and is kept alive.
  void release_values();
  void attach_values(const at::Tensor& memory);
  bool has_values() const;
  void release_gradients();
  void attach_gradients(const at::Tensor& memory);

  const std::string& name() const { return name_; }
  const std::vector<Slot>& slots() const { return slots_; }
  const Slot* find(const std::string& name) const;
  std::int64_t size() const { return size_; }  // elements, padding included
  std::int64_t used() const { return used_; }  // elements, without the padding at the end
  at::Tensor& values() { return values_; }
  at::Tensor& gradients() { return gradients_; }

  const at::Tensor& values() const { return values_; }
  const at::Tensor& gradients() const { return gradients_; }

  at::Tensor value(const Slot& slot) const;
  at::Tensor gradient(const Slot& slot) const;
  // The slots from `first` on, seen as one matrix [rows, columns] (or a vector: columns 0). Undefined
  // parameter if `first` is absent.
  Parameter fused(const std::string& first, std::int64_t rows, std::int64_t columns) const;
  Parameter parameter(const std::string& name) const;

 private:
  std::string name_;
  std::vector<Slot> slots_;
  std::int64_t size_ = 0, used_ = 0;
  at::Tensor values_;     // [P]
  at::Tensor gradients_;  // [P] or undefined
};

}  // namespace caravan::models
