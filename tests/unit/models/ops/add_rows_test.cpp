// The gradient of an embedding: sums over equal ids in fp32, rounded once.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <tuple>

#include "models/ops/composed_ops.h"
#include "models/ops/row_ops.h"
#include "tests/support/close.h"
#include "tests/support/test_device.h"

namespace caravan::models {
namespace {

enum class Way { kKernel, kComposed };

class AddRows : public testing::TestWithParam<std::tuple<at::ScalarType, Way>> {
 protected:
  void SetUp() override { SKIP_WITHOUT_TEST_DEVICE(); }
  static at::ScalarType dtype() { return std::get<0>(GetParam()); }
  static void add_rows_(at::Tensor& table, const at::Tensor& ids, const at::Tensor& rows) {
    if (std::get<1>(GetParam()) == Way::kComposed) return composed::add_rows_(table, ids, rows);
    models::add_rows_(table, ids, rows);
  }
  static at::Tensor on_device(const at::Tensor& x) { return x.to(tests::test_device()); }
};

TEST_P(AddRows, AddsAsInDouble) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(31);
  const at::Tensor ids = at::cat({at::randint(7, {200}, generator, at::kLong), at::full({1}, 49, at::kLong)});
  const at::Tensor start = at::randn({50, 24}, generator).to(dtype()),
                   rows = at::randn({201, 24}, generator).to(dtype());
  at::Tensor table = on_device(start.clone());
  add_rows_(table, on_device(ids), on_device(rows));
  const at::Tensor wanted = start.to(at::kDouble).index_add(0, ids, rows.to(at::kDouble));
  // Rounded once: at most half a unit of the last place.
  const double unit = dtype() == at::kFloat ? 0x1p-21 : 0x1p-8;
  EXPECT_TRUE(tests::close(table, wanted, unit * wanted.abs().max().item<double>()));
  EXPECT_TRUE(at::equal(table.cpu().narrow(0, 7, 42), start.narrow(0, 7, 42)));
}

// Each of these is lost beside the sum so far, in bf16; together they double it.
TEST_P(AddRows, ManySmallRowsAddUp) {
  at::Tensor table = on_device(at::ones({3, 8}, dtype()));
  const at::Tensor ids = on_device(at::ones({4096}, at::kLong)),
                   rows = on_device(at::full({4096, 8}, 0x1p-12).to(dtype()));
  add_rows_(table, ids, rows);
  EXPECT_TRUE(at::equal(table.cpu().select(0, 1).to(at::kFloat), at::full({8}, 2.f)));
  EXPECT_TRUE(at::equal(table.cpu().select(0, 0).to(at::kFloat), at::ones({8})));
}

TEST_P(AddRows, ABadRowStaysInItsOwn) {
  at::Tensor table = on_device(at::ones({4, 8}, dtype())), rows = on_device(at::ones({6, 8}, dtype()));
  rows[2][5] = std::numeric_limits<float>::quiet_NaN();
  add_rows_(table, on_device(at::tensor({3, 1, 2, 3, 2, 1}, at::kLong)), rows);
  EXPECT_EQ(table.isnan().sum().item<std::int64_t>(), 1);
  EXPECT_TRUE(table[2][5].isnan().item<bool>());
}

INSTANTIATE_TEST_SUITE_P(Types, AddRows,
                         testing::Combine(testing::Values(at::kFloat, at::kBFloat16),
                                          testing::Values(Way::kKernel, Way::kComposed)),
                         [](const auto& test) {
                           return std::string(std::get<0>(test.param) == at::kFloat ? "fp32" : "bf16") +
                                  (std::get<1>(test.param) == Way::kKernel ? "_kernel" : "_composed");
                         });

}  // namespace
}  // namespace caravan::models
