// Which operations run on kernels of ours, and which are composed of LibTorch's.
//
// Kernels of ours are for the CPU; everything else runs what composed_ops.h composes. So that this other way
// is not first run on a machine with a GPU, it can be asked for on the CPU: the tests do, and compare.
#pragma once

#include <ATen/core/Tensor.h>

namespace caravan::models {

// While one lives in a thread, its operations on the CPU are composed as on any other device.
class ComposedScope {
 public:
  ComposedScope();
  ~ComposedScope();
  ComposedScope(const ComposedScope&) = delete;
  ComposedScope& operator=(const ComposedScope&) = delete;

 private:
  bool before_;
};

// Whether operations on x run on kernels of ours.
bool has_kernels(const at::Tensor& x);

}  // namespace caravan::models
