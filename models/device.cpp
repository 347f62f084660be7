#include "models/device.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>

namespace caravan::models {

void require_exact_products() {
  at::globalContext().setFloat32MatmulPrecision("highest");
  at::globalContext().setAllowBF16ReductionCuBLAS(false);
}

at::Tensor staging_tensor(std::int64_t size, at::ScalarType dtype, const at::Device& device) {
  return at::empty({size}, at::TensorOptions().dtype(dtype).pinned_memory(device.is_cuda()));
}

}  // namespace caravan::models
