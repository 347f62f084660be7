#include "models/host_arena.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

namespace caravan::models {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

TEST(HostArena, BlocksAreAlignedApartAndFilledFromTheLowerEnd) {
  HostArena arena(64 * kMiB);
  auto* const a = static_cast<char*>(arena.take(1000));
  auto* const b = static_cast<char*>(arena.take(100));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a) % 64, 0u);
  EXPECT_EQ(b - a, 1024);  // 1000 rounded up
  EXPECT_TRUE(arena.owns(a) && arena.owns(b));
  EXPECT_FALSE(arena.owns(&arena));
  arena.give(a);
  EXPECT_EQ(arena.take(900), a);
  EXPECT_EQ(arena.high_water(), 1024u + 128u);
}

TEST(HostArena, FreedNeighboursJoinSoThatChangingSizesLeaveNoHoles) {
  HostArena arena(64 * kMiB);
  for (std::size_t step = 0; step < 20; ++step) {
    std::vector<void*> blocks;
    // Each step's sizes differ, their sum does not; the order of release is mixed.
    for (std::size_t i = 0; i < 8; ++i)
      blocks.push_back(
          arena.take(4 * kMiB + (i % 2 == 0 ? step * 4096 : 0) - (i % 2 == 0 ? 0 : step * 4096)));
    for (std::size_t i = 0; i < 8; ++i) arena.give(blocks[(i * 3) % 8]);
    EXPECT_EQ(arena.high_water(), 32 * kMiB) << "step " << step;
  }
}

TEST(HostArena, WhatDoesNotFitIsRefused) {
  HostArena arena(64 * kMiB);
  EXPECT_EQ(arena.take(65 * kMiB), nullptr);
  void* const all = arena.take(64 * kMiB);
  ASSERT_NE(all, nullptr);
  EXPECT_EQ(arena.take(1), nullptr);
  arena.give(all);
  EXPECT_EQ(arena.take(64 * kMiB), all);
  EXPECT_EQ(HostArena(0).take(1), nullptr);
}

TEST(HostArena, ThreadsDoNotMeet) {
  HostArena arena(256 * kMiB);
  std::vector<int> damaged(4, 0);
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      std::mt19937 random(static_cast<unsigned>(thread));
      std::vector<std::pair<unsigned char*, std::size_t>> held;
      for (int i = 0; i < 2000; ++i) {
        if (held.size() < 8) {
          const std::size_t size = 64 + random() % 65536;
          auto* const block = static_cast<unsigned char*>(arena.take(size));
          std::memset(block, static_cast<int>(thread + 1), size);
          held.emplace_back(block, size);
        } else {
          const std::size_t which = random() % held.size();
          const auto [block, size] = held[which];
          damaged[thread] +=
              block[0] != thread + 1 || block[size / 2] != thread + 1 || block[size - 1] != thread + 1;
          arena.give(block);
          held.erase(held.begin() + static_cast<std::ptrdiff_t>(which));
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(damaged, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace caravan::models
