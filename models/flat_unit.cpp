#include "models/flat_unit.h"

#include <ATen/ATen.h>

#include <functional>
#include <numeric>

namespace caravan::models {

namespace {

constexpr std::int64_t kAlignment = 64;  // elements: 128 bytes in bf16

std::int64_t round_up(std::int64_t size, std::int64_t multiple) {
  return (size + multiple - 1) / multiple * multiple;
}

// All views of `flat` share its storage, so they follow.
void set_memory(const at::Tensor& flat, c10::DataPtr memory) {
  flat.storage().unsafeGetStorageImpl()->set_data_ptr_noswap(std::move(memory));
}

void attach(const at::Tensor& flat, const at::Tensor& memory) {
  TORCH_CHECK(memory.is_contiguous() && memory.sizes() == flat.sizes() &&
                  memory.scalar_type() == flat.scalar_type() && memory.device() == flat.device(),
              "memory of ", memory.sizes(), " ", memory.scalar_type(), " does not fit a unit of ",
              flat.sizes(), " ", flat.scalar_type());
  const auto forget = [](void* kept) { delete static_cast<at::Tensor*>(kept); };
  set_memory(flat, {memory.data_ptr(), new at::Tensor(memory), forget, memory.device()});
}

void release(const at::Tensor& flat) {
  set_memory(flat, {nullptr, flat.device()});
}

}  // namespace

void FlatUnit::add_group(const std::vector<std::pair<std::string, std::vector<std::int64_t>>>& parameters) {
  size_ = round_up(size_, kAlignment);
  for (const auto& [name, shape] : parameters) {
    const std::int64_t count =
        std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
    slots_.push_back({name, shape, size_, count, shape.size() > 1});
    size_ += count;
  }
  used_ = size_;
}

void FlatUnit::pad_to(std::int64_t multiple) {
  size_ = round_up(size_, multiple);
}

void FlatUnit::allocate(at::ScalarType dtype, const at::Device& device) {
  values_ = at::zeros({size_}, at::TensorOptions().dtype(dtype).device(device));
}

void FlatUnit::allocate_gradients(at::ScalarType dtype) {
  gradients_ = at::zeros({size_}, values_.options().dtype(dtype));
}

void FlatUnit::release_values() {
  release(values_);
}

void FlatUnit::attach_values(const at::Tensor& memory) {
  attach(values_, memory);
}

bool FlatUnit::has_values() const {
  return values_.storage().data() != nullptr;
}

void FlatUnit::release_gradients() {
  release(gradients_);
}

void FlatUnit::attach_gradients(const at::Tensor& memory) {
  attach(gradients_, memory);
}

const Slot* FlatUnit::find(const std::string& name) const {
  for (const Slot& slot : slots_)
    if (slot.name == name) return &slot;
  return nullptr;
}

at::Tensor FlatUnit::value(const Slot& slot) const {
  return values_.narrow(0, slot.offset, slot.count).view(slot.shape);
}

at::Tensor FlatUnit::gradient(const Slot& slot) const {
  return gradients_.defined() ? gradients_.narrow(0, slot.offset, slot.count).view(slot.shape) : at::Tensor();
}

Parameter FlatUnit::fused(const std::string& first, std::int64_t rows, std::int64_t columns) const {
  const Slot* slot = find(first);
  if (!slot) return {};
  const std::int64_t count = columns ? rows * columns : rows;
  const auto view = [&](const at::Tensor& flat) {
    const at::Tensor part = flat.narrow(0, slot->offset, count);
    return columns ? part.view({rows, columns}) : part;
  };
  return {view(values_), gradients_.defined() ? view(gradients_) : at::Tensor()};
}

Parameter FlatUnit::parameter(const std::string& name) const {
  const Slot* slot = find(name);
  return slot ? Parameter{value(*slot), gradient(*slot)} : Parameter{};
}

}  // namespace caravan::models
