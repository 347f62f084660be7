#include "recipes/nearest_name.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace caravan::recipes {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"learning_rate", "betas", "eps", "weight_decay"};

std::string nearest(std::string_view name) {
  return std::string(nearest_name(name, kNames).value_or("none"));
}

TEST(NearestName, FindsTypos) {
  EXPECT_EQ(nearest("learning_rat"), "learning_rate");
  EXPECT_EQ(nearest("laerning_rate"), "learning_rate");  // one swap
  EXPECT_EQ(nearest("Learning-Rate"), "learning_rate");
  EXPECT_EQ(nearest("weigth_decy"), "weight_decay");
  EXPECT_EQ(nearest("beta"), "betas");
}

TEST(NearestName, ABeginningNamesTheOneThatGoesOn) {
  constexpr std::array<std::string_view, 4> flags = {"--help", "--temperature", "--top-k", "--top-p"};
  EXPECT_EQ(nearest_name("--temp", flags).value_or("none"), "--temperature");
  EXPECT_EQ(nearest_name("--t", flags).value_or("none"), "none");
  constexpr std::array<std::string_view, 3> twice = {"evaluation", "every", "evaluation"};
  EXPECT_EQ(nearest_name("eval", twice).value_or("none"), "evaluation");
}

TEST(NearestName, DoesNotGuess) {
  EXPECT_EQ(nearest("dropout"), "none");
  EXPECT_EQ(nearest("xyz"), "none");
  EXPECT_EQ(nearest(""), "none");
  EXPECT_EQ(nearest(std::string(100'000, 'a')), "none");
}

TEST(NearestName, SwapCountsAsOne) {
  constexpr std::array<std::string_view, 1> abc = {"abc"};
  EXPECT_TRUE(nearest_name("acb", abc).has_value());
  EXPECT_FALSE(nearest_name("cab", abc).has_value());
}

TEST(NearestName, FirstOfEquals) {
  constexpr std::array<std::string_view, 2> two = {"cat", "car"};
  EXPECT_EQ(nearest_name("caz", two).value_or(""), "cat");
}

}  // namespace
}  // namespace caravan::recipes
