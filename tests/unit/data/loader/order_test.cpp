#include "data/loader/order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace caravan::data {
namespace {

std::vector<std::uint64_t> make_keys(std::size_t count, std::uint64_t first = 0) {
  std::vector<std::uint64_t> keys(count);
  for (std::size_t i = 0; i < count; ++i) keys[i] = mix(first + i);
  return keys;
}

TEST(Order, IsAPermutationThatDependsOnTheSalt) {
  const std::vector<std::uint64_t> keys = make_keys(1000);
  std::vector<std::uint32_t> a = shuffled(keys, 1), b = shuffled(keys, 2);
  EXPECT_EQ(a, shuffled(keys, 1));
  EXPECT_NE(a, b);
  std::sort(a.begin(), a.end());
  for (std::uint32_t i = 0; i < 1000; ++i) EXPECT_EQ(a[i], i);
}

// The value itself is a promise: a run must order its data the same way in every version.
TEST(Order, IsPinned) {
  EXPECT_EQ(mix(0), 0xE220A8397B1DCDAFu);  // splitmix64's first output for seed 0
  // Recomputed outside: sorted(range(8), key=lambda i: mix(mix(42) ^ mix(i))).
  EXPECT_EQ(shuffled(make_keys(8), 42), (std::vector<std::uint32_t>{2, 4, 6, 3, 0, 1, 5, 7}));
}

TEST(Order, NewRowsDoNotMoveTheOthers) {
  std::vector<std::uint64_t> few = make_keys(500), more = make_keys(200, 5000);
  more.insert(more.end(), few.begin(), few.end());
  std::vector<std::uint32_t> rest;
  for (const std::uint32_t i : shuffled(more, 9)) {
    if (i >= 200) rest.push_back(i - 200);
  }
  EXPECT_EQ(rest, shuffled(few, 9));
}

TEST(Order, IsUniformEnough) {
  // Chi-squared of the place of one document over many epochs, 20 bins: mean 19, standard deviation 6.2.
  const std::vector<std::uint64_t> keys = make_keys(100);
  std::vector<double> bins(20, 0);
  constexpr int kEpochs = 4000;
  for (std::uint64_t epoch = 0; epoch < kEpochs; ++epoch) {
    const std::vector<std::uint32_t> order = shuffled(keys, mix(7, epoch));
    const auto place = static_cast<std::size_t>(std::find(order.begin(), order.end(), 13u) - order.begin());
    bins[place / 5] += 1;
  }
  double chi = 0;
  for (const double count : bins) chi += std::pow(count - kEpochs / 20.0, 2) / (kEpochs / 20.0);
  EXPECT_LT(chi, 60);
}

TEST(Order, CopiesAreSpread) {
  std::vector<std::uint64_t> keys(1000, 5);
  number_copies(keys);
  EXPECT_EQ(std::set<std::uint64_t>(keys.begin(), keys.end()).size(), 1000u);
  std::vector<std::uint64_t> again(1000, 5);
  number_copies(again);
  EXPECT_EQ(keys, again);
}

TEST(Order, PickIsThePrefixOfTheOrder) {
  const std::vector<std::uint64_t> keys = make_keys(300);
  std::vector<std::uint32_t> prefix = shuffled(keys, 4);
  prefix.resize(77);
  std::sort(prefix.begin(), prefix.end());
  EXPECT_EQ(pick(keys, 4, 77), prefix);
  EXPECT_TRUE(pick(keys, 4, 0).empty());
  EXPECT_EQ(pick(keys, 4, 300).size(), 300u);
}

}  // namespace
}  // namespace caravan::data
