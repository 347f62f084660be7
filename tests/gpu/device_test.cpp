// What only a GPU can show: exact products, its memory, copies that do not wait, how fast it multiplies.
#include "models/device.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include "models/ops/gemm.h"
#include "tests/support/close.h"
#include "tests/support/test_device.h"
#include "trainer/compute_speed.h"
#include "trainer/device_work.h"

namespace caravan {
namespace {

class Gpu : public testing::Test {
 protected:
  void SetUp() override { SKIP_WITHOUT_TEST_DEVICE(); }
  at::Device device_ = tests::test_device();
};

TEST_F(Gpu, SaysWhatItIs) {
  const models::DeviceFacts& facts = models::device_facts(device_);
  EXPECT_FALSE(facts.name.empty());
  EXPECT_GT(facts.memory_bytes, std::uint64_t{1} << 30);
  EXPECT_GE(facts.compute_capability, 50);
}

// TF32 keeps 10 bits of each factor: errors would be near 1e-3.
TEST_F(Gpu, ProductsOfFp32AreNotTf32) {
  at::globalContext().setFloat32MatmulPrecision("high");
  models::require_exact_products();
  auto generator = at::make_generator<at::CPUGeneratorImpl>(3);
  const at::Tensor a = at::randn({512, 512}, generator), b = at::randn({512, 512}, generator);
  const at::Tensor wanted = at::mm(a.to(at::kDouble), b.to(at::kDouble).t());
  EXPECT_TRUE(tests::close(models::matmul_nt(a.to(device_), b.to(device_)), wanted, 1e-4));
}

TEST_F(Gpu, CopiesFromTheHostArrive) {
  std::vector<std::int32_t> values(100000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int32_t>(i * 7);
  std::vector<at::Tensor> copies;
  for (int i = 0; i < 20; ++i) copies.push_back(models::device_copy<std::int64_t>(values, device_));
  const at::Tensor wanted = at::tensor(values, at::kInt).to(at::kLong);
  for (const at::Tensor& copy : copies) {
    EXPECT_EQ(copy.device(), device_);
    EXPECT_TRUE(at::equal(copy.cpu(), wanted));
  }
}

TEST_F(Gpu, CountsItsMemory) {
  const std::uint64_t before = trainer::peak_device_bytes(device_);
  const at::Tensor large = at::zeros({std::int64_t{1} << 28}, at::TensorOptions().device(device_));
  trainer::wait_for(device_);
  EXPECT_GE(trainer::peak_device_bytes(device_), std::uint64_t{1} << 30);
  EXPECT_GE(trainer::peak_device_bytes(device_), before);
}

TEST_F(Gpu, SpeedOfProductsIsPlausible) {
  const double fp32 = trainer::measure_gemm(at::kFloat, device_),
               bf16 = trainer::measure_gemm(at::kBFloat16, device_);
  EXPECT_GT(fp32, 1e10);
  EXPECT_LT(bf16, 1e17);
}

}  // namespace
}  // namespace caravan
