// Ranks that are slow, fail inside a thread, see the clock jump or find damaged checkpoints.
#include "tests/faults/ranks_fixture.h"

namespace caravan {
namespace {

using tests::Ranks;

class DisturbedRanksTest : public RanksTest {
 protected:
  static void SetUpTestSuite() {
    RanksTest::SetUpTestSuite();
    ASSERT_EQ(launch(2, "quiet"), 0) << log();
  }
  // Two ranks of the engine that fails on purpose; what each ends with.
  static std::unique_ptr<Ranks> with_fault(const std::string& run, const std::string& fault) {
    auto ranks = std::make_unique<Ranks>(dir_->path().string(), 2, tests::free_port());
    Words words = with_program(train_words(run));
    words[0] = std::string(CARAVAN_BINARY_DIR) + "/faulty_engine";
    for (int rank = 0; rank < 2; ++rank) ranks->start(rank, words, "export CARAVAN_FAULT='" + fault + "'");
    return ranks;
  }
  static void expect_same_after_going_on(const std::string& run) {
    ASSERT_EQ(launch(2, run), 0) << log();
    EXPECT_EQ(final_bytes(run), final_bytes("quiet"));
  }
};

// It gets a tenth of the time. Nobody is lost, and nothing differs.
TEST_F(DisturbedRanksTest, SlowByTen) {
  Ranks ranks(dir_->path().string(), 2, tests::free_port());
  ranks.start_all(with_program(train_words("slow")));
  ASSERT_TRUE(ranks[0].wait_until(stepping("slow", 1))) << ranks[0].output();
  for (int i = 0; i < 20; ++i) {
    ranks[1].signal(SIGSTOP);
    std::this_thread::sleep_for(std::chrono::milliseconds(180));
    ranks[1].signal(SIGCONT);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  for (int rank = 0; rank < 2; ++rank) EXPECT_EQ(ranks[rank].wait(), 0) << ranks[rank].output();
  EXPECT_EQ(final_bytes("slow"), final_bytes("quiet"));
}

// The one that fails says why; the other names it.
TEST_F(DisturbedRanksTest, TheDataThreadThrows) {
  const auto ranks = with_fault("data-thread", "1 data 20");
  EXPECT_EQ((*ranks)[1].wait(), 1) << (*ranks)[1].output();
  EXPECT_NE((*ranks)[1].output().find("fault on purpose in data"), std::string::npos);
  expect_lost(*ranks, 0, std::chrono::steady_clock::now(),
              {"rank 1 (", "failed in step ", "fault on purpose in data"});
  expect_same_after_going_on("data-thread");
}

TEST_F(DisturbedRanksTest, AMicroBatchThrows) {
  const auto ranks = with_fault("micro-batch", "0 compute 9");
  EXPECT_EQ((*ranks)[0].wait(), 1) << (*ranks)[0].output();
  expect_lost(*ranks, 1, std::chrono::steady_clock::now(), {"rank 0 (", "fault on purpose in compute"});
  expect_same_after_going_on("micro-batch");
}

// A checkpoint that one rank cannot write is none; the one before it counts.
TEST_F(DisturbedRanksTest, TheWritingThreadThrows) {
  const auto ranks = with_fault("writing", "1 write 2");
  EXPECT_EQ((*ranks)[1].wait(), 1) << (*ranks)[1].output();
  expect_lost(*ranks, 0, std::chrono::steady_clock::now(), {"rank 1 (", "fault on purpose in write"});
  EXPECT_FALSE(std::filesystem::exists(path("writing") + "/checkpoints/step-00000008/manifest.json"));
  EXPECT_TRUE(std::filesystem::exists(path("writing") + "/checkpoints/step-00000004/manifest.json"));
  expect_same_after_going_on("writing");
}

TEST_F(DisturbedRanksTest, TheClockJumps) {
  Ranks ranks(dir_->path().string(), 2, tests::free_port());
  for (int rank = 0; rank < 2; ++rank)
    ranks.start(rank, with_program(train_words("clock")),
                "export LD_PRELOAD=" CARAVAN_BINARY_DIR "/libclock_jump.so");
  for (int rank = 0; rank < 2; ++rank) EXPECT_EQ(ranks[rank].wait(), 0) << ranks[rank].output();
  EXPECT_EQ(final_bytes("clock"), final_bytes("quiet"));
}

// One rank's part of the newest checkpoint is damaged, or gone: both go on from the one before.
TEST_F(DisturbedRanksTest, APartOfACheckpointIsDamaged) {
  for (const std::string damage : {"flipped", "cut", "gone"}) {
    SCOPED_TRACE(damage);
    ASSERT_EQ(launch(2, damage, {"run.max_steps=8"}), 0) << log();
    const std::string undisturbed = final_bytes(damage);
    std::filesystem::remove_all(path(damage) + "/final");
    const std::string part = path(damage) + "/checkpoints/step-00000008/state-00001-of-00002.safetensors";
    std::string bytes = tests::read_bytes(part);
    ASSERT_GT(bytes.size(), 10000u);
    if (damage == "flipped") {
      bytes[bytes.size() - 100] ^= 4;
      std::ofstream(part, std::ios::binary) << bytes;
    } else if (damage == "cut") {
      std::filesystem::resize_file(part, bytes.size() / 2);
    } else {
      std::filesystem::remove(part);
    }
    ASSERT_EQ(launch(2, damage, {"run.max_steps=8"}), 0) << log();
    const std::string log = tests::read_bytes(path(damage) + "/log.txt");
    EXPECT_NE(log.find("step-00000004"), std::string::npos) << log;
    EXPECT_EQ(final_bytes(damage), undisturbed);
  }
}

}  // namespace
}  // namespace caravan
