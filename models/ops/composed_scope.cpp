#include "models/ops/composed_scope.h"

#include <ATen/core/Tensor.h>

namespace caravan::models {

namespace {
thread_local bool is_composed = false;
}  // namespace

ComposedScope::ComposedScope() : before_(is_composed) {
  is_composed = true;
}
ComposedScope::~ComposedScope() {
  is_composed = before_;
}

bool has_kernels(const at::Tensor& x) {
  return x.is_cpu() && !is_composed;
}

}  // namespace caravan::models
