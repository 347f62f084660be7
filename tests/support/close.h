// Comparison of tensors that names the worst element.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <sstream>

namespace caravan::tests {

// |found - wanted| <= tolerance everywhere, on whatever devices they are. NaN differs from everything.
inline testing::AssertionResult close(const at::Tensor& found, const at::Tensor& wanted, double tolerance) {
  if (found.sizes() != wanted.sizes())
    return testing::AssertionFailure()
           << "shape " << found.sizes() << " where " << wanted.sizes() << " was wanted";
  const at::Tensor a = found.cpu().to(at::kDouble).flatten(), b = wanted.cpu().to(at::kDouble).flatten();
  if (a.numel() == 0) return testing::AssertionSuccess();
  const at::Tensor error = (a - b).abs();
  const at::Tensor bad = error.gt(tolerance).logical_or(error.isnan());
  if (!bad.any().item<bool>()) return testing::AssertionSuccess();
  const std::int64_t worst = error.nan_to_num(1e300).argmax().item<std::int64_t>();
  return testing::AssertionFailure() << bad.sum().item<std::int64_t>() << " of " << a.numel()
                                     << " elements differ by more than " << tolerance << "; worst at "
                                     << worst << ": " << a[worst].item<double>() << " where "
                                     << b[worst].item<double>() << " was wanted";
}

}  // namespace caravan::tests
