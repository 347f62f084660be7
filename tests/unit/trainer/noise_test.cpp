// NEFTune: magnitude, distribution, and independence of how documents are packed.
#include "trainer/noise.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/shared_data.h"
#include "tests/unit/trainer/tiny_training.h"

namespace caravan::trainer {
namespace {

using nlohmann::json;

constexpr std::int64_t kWidth = 48;

at::Tensor noise_of(const data::MicroBatch& batch, std::uint64_t seed, std::int64_t step, double alpha = 5.0,
                    std::int64_t width = kWidth) {
  at::Tensor hidden = at::zeros({batch.num_tokens(), width});
  add_neftune_noise(hidden, batch, alpha, seed, step);
  return hidden;
}

at::Tensor of_document(const at::Tensor& noise, const data::MicroBatch& batch, std::size_t n) {
  return noise.narrow(0, batch.doc_starts[n], batch.doc_starts[n + 1] - batch.doc_starts[n]);
}

TEST(Noise, MagnitudeIsThatOfTheReference) {
  SKIP_WITHOUT_SHARED_DATA();
  json vectors;
  std::ifstream(tests::shared_data() / "goldens/losses/sft.json") >> vectors;
  const json& vector =
      *std::find_if(vectors.begin(), vectors.end(), [](const json& v) { return v.at("name") == "neftune"; });
  const json& shapes = vector.at("inputs").at("shapes_L_D");
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const auto length = shapes.at(i).at(0).get<std::size_t>();
    const std::int64_t width = shapes.at(i).at(1);
    const double magnitude = vector.at("expected").at("magnitude").at(i);
    const at::Tensor noise =
        noise_of(packed({length}, {{0}})[0], 1, 0, vector.at("params").at("alpha"), width);
    const double largest = noise.abs().max().item<double>(), n = static_cast<double>(noise.numel());
    EXPECT_LE(largest, magnitude * (1 + 1e-6)) << length << " x " << width;
    // The largest of n uniform numbers falls short of the bound by more than 40 / n less than once in 1e17.
    EXPECT_GE(largest, magnitude * (1 - 40.0 / n)) << length << " x " << width;
  }
}

TEST(Noise, IsUniform) {
  const at::Tensor unit =
      noise_of(packed({2000}, {{0}})[0], 17, 4).mul_(std::sqrt(2000.0 * kWidth) / 5.0).to(at::kDouble);
  const double n = static_cast<double>(unit.numel());
  EXPECT_NEAR(unit.mean().item<double>(), 0.0, 6.0 / std::sqrt(3.0 * n));
  EXPECT_NEAR(unit.square().mean().item<double>(), 1.0 / 3.0, 6.0 * std::sqrt(4.0 / 45.0 / n));
  // Neighbours in place and width are not correlated.
  EXPECT_NEAR((unit.narrow(0, 0, 1999) * unit.narrow(0, 1, 1999)).mean().item<double>(), 0.0,
              2.0 / std::sqrt(n));
  EXPECT_NEAR((unit.narrow(1, 0, kWidth - 1) * unit.narrow(1, 1, kWidth - 1)).mean().item<double>(), 0.0,
              2.0 / std::sqrt(n));
}

TEST(Noise, DoesNotDependOnPackingOrThreads) {
  const std::vector<std::size_t> lengths{5, 1, 33};
  const auto together = packed(lengths, {{0, 1, 2}}), reversed = packed(lengths, {{2, 1, 0}}),
             alone = packed(lengths, {{2}});
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const at::Tensor a = noise_of(together[0], 42, 7);
  at::set_num_threads(2);
  const at::Tensor b = noise_of(reversed[0], 42, 7), c = noise_of(alone[0], 42, 7);
  at::set_num_threads(before);
  for (std::size_t n = 0; n < 3; ++n)
    EXPECT_TRUE(at::equal(of_document(a, together[0], n), of_document(b, reversed[0], 2 - n)));
  EXPECT_TRUE(at::equal(of_document(a, together[0], 2), c));
}

TEST(Noise, DiffersBySeedStepAndDocument) {
  const std::vector<std::size_t> lengths{9, 9};
  const data::MicroBatch batch = packed(lengths, {{0, 1}})[0];
  const at::Tensor base = noise_of(batch, 1, 1);
  EXPECT_TRUE(at::equal(base, noise_of(batch, 1, 1)));
  for (const at::Tensor& other : {noise_of(batch, 2, 1), noise_of(batch, 1, 2)})
    EXPECT_EQ(base.eq(other).sum().item<std::int64_t>(), 0);
  EXPECT_EQ(of_document(base, batch, 0).eq(of_document(base, batch, 1)).sum().item<std::int64_t>(), 0);
}

TEST(Noise, IsAddedInTheTypeOfTheEmbeddings) {
  const data::MicroBatch batch = packed({12}, {{0}})[0];
  at::Tensor narrow = at::ones({12, kWidth}, at::kBFloat16);
  add_neftune_noise(narrow, batch, 5.0, 1, 1);
  EXPECT_EQ(narrow.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(
      at::equal(narrow, at::ones({12, kWidth}, at::kBFloat16) + noise_of(batch, 1, 1).to(at::kBFloat16)));
}

}  // namespace
}  // namespace caravan::trainer
