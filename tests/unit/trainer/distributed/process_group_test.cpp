#include "trainer/distributed/process_group.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/support/thread_ranks.h"
#include "trainer/error.h"

namespace caravan::trainer {
namespace {

constexpr std::array kTypes{at::kFloat, at::kDouble, at::kBFloat16, at::kLong, at::kByte};

at::Tensor numbers(std::int64_t count, std::int64_t first, at::ScalarType type) {
  return at::arange(first, first + count, at::kLong).remainder(60).to(type);
}

void expect_no_error(const tests::ThreadRanks& ranks) {
  for (const std::string& error : ranks.errors) EXPECT_EQ(error, "");
}

class SizesTest : public testing::TestWithParam<int> {};

TEST_P(SizesTest, AllReduce) {
  tests::ThreadRanks ranks;
  ranks.run(GetParam(), [](ProcessGroup& group) {
    for (const at::ScalarType type : kTypes) {
      at::Tensor sum = numbers(1000, group.rank(), type), most = sum.clone(), least = sum.clone();
      at::Tensor expected = at::zeros({1000}, type);
      for (int r = 0; r < group.size(); ++r) expected += numbers(1000, r, type);
      Pending a = group.all_reduce(sum, Reduce::kSum, "a");
      Pending b = group.all_reduce(most, Reduce::kMax, "b");
      Pending c = group.all_reduce(least, Reduce::kMin, "c");
      c.wait();
      b.wait();
      a.wait();
      a.wait();
      EXPECT_TRUE(at::equal(sum, expected)) << at::toString(type);
      EXPECT_EQ(most[0].item<double>(), group.size() - 1);
      EXPECT_EQ(least[0].item<double>(), 0);
    }
    group.finish();
  });
  expect_no_error(ranks);
}

TEST_P(SizesTest, GatherAndScatterAreInverse) {
  tests::ThreadRanks ranks;
  ranks.run(GetParam(), [](ProcessGroup& group) {
    const std::int64_t part = 37, all = part * group.size();
    for (const at::ScalarType type : kTypes) {
      const at::Tensor own = numbers(part, group.rank() * part, type);
      const at::Tensor whole = at::zeros({all}, type);
      group.all_gather(whole, own, "w").wait();
      EXPECT_TRUE(at::equal(whole, numbers(all, 0, type))) << at::toString(type);
      // In place: the part lies where it belongs.
      at::Tensor inside = at::zeros({all}, type);
      inside.narrow(0, group.rank() * part, part).copy_(own);
      group.all_gather(inside, inside.narrow(0, group.rank() * part, part), "w").wait();
      EXPECT_TRUE(at::equal(inside, whole)) << at::toString(type);

      const at::Tensor back = at::zeros({part}, type);
      group.reduce_scatter(back, whole, "w").wait();
      EXPECT_TRUE(at::equal(back, own * group.size())) << at::toString(type);
      group.reduce_scatter(back, whole, "w").wait();
      EXPECT_TRUE(at::equal(back, own * (2 * group.size()))) << "adds: " << at::toString(type);
    }
    group.finish();
  });
  expect_no_error(ranks);
}

// Numbers whose sum depends on the order of additions.
TEST_P(SizesTest, OrderIsThatOfTheRanks) {
  const int size = GetParam();
  at::manual_seed(1);
  const at::Tensor values = at::randn({size, size * 64}) * at::exp(at::randn({size, size * 64}) * 8);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    at::Tensor expected = at::full({size * 64}, 0.3, type).to(at::kFloat);
    for (int r = 0; r < size; ++r) expected += values[r].to(type).to(at::kFloat);
    tests::ThreadRanks ranks;
    ranks.run(size, [&](ProcessGroup& group) {
      const at::Tensor own = at::full({64}, 0.3, type);
      group.reduce_scatter_ordered(own, values[group.rank()].to(type), "w").wait();
      EXPECT_TRUE(at::equal(own, expected.narrow(0, group.rank() * 64, 64).to(type))) << at::toString(type);
      group.finish();
    });
    expect_no_error(ranks);
  }
}

TEST_P(SizesTest, Texts) {
  tests::ThreadRanks ranks;
  ranks.run(GetParam(), [](ProcessGroup& group) {
    const std::string own(static_cast<std::size_t>(3 * group.rank()), static_cast<char>('a' + group.rank()));
    const std::vector<std::string> all = group.all_gather_text(own, "names");
    ASSERT_EQ(all.size(), static_cast<std::size_t>(group.size()));
    for (std::size_t r = 0; r < all.size(); ++r)
      EXPECT_EQ(all[r], std::string(3 * r, static_cast<char>('a' + r)));
    EXPECT_EQ(group.all_gather_text("", "nothing").back(), "");

    std::array<double, 2> numbers{static_cast<double>(group.rank()), -1.0};
    group.all_reduce(numbers, Reduce::kMax, "numbers");
    EXPECT_EQ(numbers[0], group.size() - 1);
    const at::Tensor x = at::full({5}, group.rank(), at::kBFloat16);
    group.broadcast(x, group.size() - 1, "x").wait();
    EXPECT_EQ(x[4].item<double>(), group.size() - 1);
    group.barrier("end");
    group.finish();
  });
  expect_no_error(ranks);
}

INSTANTIATE_TEST_SUITE_P(Ranks, SizesTest, testing::Values(2, 3, 4));

TEST(SingleGroup, CopiesAddsAndReturns) {
  const auto group = make_single_group();
  const at::Tensor own = numbers(5, 1, at::kFloat), whole = at::zeros({5});
  group->all_gather(whole, own, "w").wait();
  EXPECT_TRUE(at::equal(whole, own));
  group->reduce_scatter(whole, own, "w").wait();
  EXPECT_TRUE(at::equal(whole, own * 2));
  EXPECT_EQ(group->all_gather_text("x", "t"), std::vector<std::string>{"x"});
}

// ---- Ranks that do not come.

TEST(LostRanks, OneThatStaysBehindIsNamed) {
  tests::ThreadRanks ranks;
  ranks.timeout = std::chrono::milliseconds(600);
  ranks.run(3, [](ProcessGroup& group) {
    group.set_step(17);
    group.barrier("begin");
    if (group.rank() == 1) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2500));
      group.barrier("late");
      return;
    }
    const at::Tensor x = at::zeros({6}), own = at::zeros({2});
    group.reduce_scatter(own, x, "layers.3").wait();
  });
  for (const std::string& error : ranks.errors) {
    EXPECT_NE(error.find("rank 1 (host1) did not reach `reduce_scatter layers.3` of step 17 within 0.6 s"),
              std::string::npos)
        << error;
    EXPECT_EQ(error, ranks.errors[0]);
  }
}

TEST(LostRanks, SlowButWorkingIsWaitedFor) {
  tests::ThreadRanks ranks;
  ranks.timeout = std::chrono::milliseconds(600);
  ranks.run(2, [](ProcessGroup& group) {
    for (int i = 0; group.rank() == 1 && i < 20; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      group.note_progress();
    }
    group.barrier("late");
    // Without progress, but announced.
    group.set_section("saving", std::chrono::seconds(30));
    if (group.rank() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1800));
    group.barrier("saved");
    group.finish();
  });
  expect_no_error(ranks);
}

TEST(LostRanks, AllLearnWhyOneFailed) {
  tests::ThreadRanks ranks;
  ranks.run(3, [](ProcessGroup& group) {
    group.set_step(4);
    group.barrier("begin");
    if (group.rank() == 2) {
      group.fail("the disk is full", 74);
      throw std::runtime_error("the disk is full");
    }
    group.barrier("never");
  });
  EXPECT_EQ(ranks.errors[2], "the disk is full");
  EXPECT_EQ(ranks.errors[0], "rank 2 (host2) failed in step 4: the disk is full");
  EXPECT_EQ(ranks.errors[1], ranks.errors[0]);
}

}  // namespace
}  // namespace caravan::trainer
