// The device that the tests of a program compute on: the CPU; in gpu_tests, which is made of the same files,
// the first CUDA device.
#pragma once

#include <ATen/Context.h>
#include <c10/core/Device.h>

#include <string>

#ifndef CARAVAN_TEST_DEVICE
#define CARAVAN_TEST_DEVICE "cpu"
#endif

namespace caravan::tests {

inline c10::Device test_device() {
  return c10::Device(CARAVAN_TEST_DEVICE);
}

// Empty where it is there.
inline std::string why_no_test_device() {
  return test_device().is_cpu() || at::hasCUDA() ? ""
                                                 : "no CUDA device is visible, so nothing of it is tested";
}

}  // namespace caravan::tests

#define SKIP_WITHOUT_TEST_DEVICE() \
  if (const std::string why = caravan::tests::why_no_test_device(); !why.empty()) GTEST_SKIP() << why
