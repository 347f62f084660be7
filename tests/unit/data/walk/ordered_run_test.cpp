#include "data/walk/ordered_run.h"

#include <gtest/gtest.h>

#include <string>

namespace caravan::data {
namespace {

struct Item {
  std::uint64_t number = 0;
  std::uint64_t square = 0;
};

std::vector<std::uint64_t> squares(std::size_t threads, std::uint64_t count) {
  std::uint64_t given = 0;
  std::vector<std::uint64_t> out;
  run_ordered<Item>(threads, {[&](Item& item) {
                                if (given == count) return false;
                                item.number = given++;
                                return true;
                              },
                              [](Item& item) {
                                // Later items are done sooner.
                                if (item.number % 7 == 0)
                                  std::this_thread::sleep_for(std::chrono::microseconds(200));
                                item.square = item.number * item.number;
                              },
                              [&](Item& item) { out.push_back(item.square); }});
  return out;
}

TEST(OrderedRun, TheOrderIsThatOfTheSourceForAnyNumberOfThreads) {
  const std::vector<std::uint64_t> alone = squares(1, 500);
  ASSERT_EQ(alone.size(), 500u);
  EXPECT_EQ(alone[3], 9u);
  for (const std::size_t threads : {2u, 5u, 16u}) EXPECT_EQ(squares(threads, 500), alone);
  EXPECT_TRUE(squares(4, 0).empty());
}

TEST(OrderedRun, TheEarliestErrorEndsTheRunAndWhatStandsBeforeItIsTaken) {
  for (const std::size_t threads : {1u, 2u, 8u}) {
    for (int round = 0; round < 20; ++round) {
      std::uint64_t given = 0;
      std::vector<std::uint64_t> taken;
      std::string error;
      try {
        run_ordered<Item>(threads, {[&](Item& item) {
                                      item.number = given++;
                                      return true;
                                    },
                                    [](Item& item) {
                                      if (item.number >= 10)
                                        throw std::runtime_error(std::to_string(item.number));
                                    },
                                    [&](Item& item) { taken.push_back(item.number); }});
      } catch (const std::runtime_error& caught) {
        error = caught.what();
      }
      EXPECT_EQ(error, "10");
      EXPECT_EQ(taken, (std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
    }
  }
}

TEST(OrderedRun, AnErrorOfTheSourceComesBehindTheItemsBeforeIt) {
  for (const std::size_t threads : {1u, 4u}) {
    std::uint64_t given = 0, taken = 0;
    EXPECT_THROW(run_ordered<Item>(threads, {[&](Item&) -> bool {
                                               if (given == 5) throw std::runtime_error("damaged");
                                               ++given;
                                               return true;
                                             },
                                             [](Item&) {}, [&](Item&) { ++taken; }}),
                 std::runtime_error);
    EXPECT_EQ(taken, 5u);
  }
}

}  // namespace
}  // namespace caravan::data
