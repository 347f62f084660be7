// A rank that is killed, stopped or fails ends all others within 30 s, with code 76 and one line that names
// it. Real processes, real signals.
#include "tests/faults/ranks_fixture.h"

namespace caravan {
namespace {

using Clock = std::chrono::steady_clock;
using tests::Ranks;

class LostRanksTest : public RanksTest {
 protected:
  // Three ranks in the middle of training.
  static std::unique_ptr<Ranks> running(const std::string& run) {
    auto ranks = std::make_unique<Ranks>(dir_->path().string(), 3, tests::free_port());
    ranks->start_all(with_program(endless(run)));
    EXPECT_TRUE((*ranks)[0].wait_until(stepping(run))) << (*ranks)[0].output();
    return ranks;
  }
};

TEST_F(LostRanksTest, Killed) {
  const auto ranks = running("killed");
  const auto since = Clock::now();
  (*ranks)[2].signal(SIGKILL);
  for (const int rank : {0, 1})
    expect_lost(*ranks, rank, since, {"rank 2 (", "is gone or stopped", "of step "});
  EXPECT_EQ(ranks->last_words(0), ranks->last_words(1));
  // What each was doing is kept.
  for (const char* name : {"/blackbox.jsonl", "/blackbox_rank_00001.jsonl"}) {
    const std::string events = tests::read_bytes(path("killed") + name);
    EXPECT_NE(events.find("\"event\":\"begin\",\"call\":\"reduce_scatter "), std::string::npos) << events;
    EXPECT_NE(events.find("\"event\":\"lost\",\"call\":\"rank 2 ("), std::string::npos) << events;
  }
}

TEST_F(LostRanksTest, Stopped) {
  const auto ranks = running("stopped");
  const auto since = Clock::now();
  (*ranks)[1].signal(SIGSTOP);
  for (const int rank : {0, 2})
    expect_lost(*ranks, rank, since, {"rank 1 (", "is gone or stopped", "of step "});
  // It would go on one day, and finds that it is too late.
  (*ranks)[1].signal(SIGCONT);
  expect_lost(*ranks, 1, Clock::now(), {"rank "});
}

TEST_F(LostRanksTest, TheFirstKilled) {
  const auto ranks = running("first-killed");
  const auto since = Clock::now();
  (*ranks)[0].signal(SIGKILL);
  for (const int rank : {1, 2})
    expect_lost(*ranks, rank, since, {"rank 0 (", "is gone or stopped", "the store at"});
}

TEST_F(LostRanksTest, TheFirstStopped) {
  const auto ranks = running("first-stopped");
  const auto since = Clock::now();
  (*ranks)[0].signal(SIGSTOP);
  for (const int rank : {1, 2}) expect_lost(*ranks, rank, since, {"rank 0 (", "is gone or stopped"});
}

// The disk of rank 0 is full, as far as it can see.
TEST_F(LostRanksTest, OneFails) {
  Ranks ranks(dir_->path().string(), 2, tests::free_port());
  ranks.start(0, with_program(endless("fails")), "ulimit -f 600");
  ranks.start(1, with_program(endless("fails")));
  EXPECT_EQ(ranks[0].wait(), 74) << ranks[0].output();
  const auto since = Clock::now();
  expect_lost(ranks, 1, since, {"rank 0 (", ") failed in step ", path("fails")});
}

TEST_F(LostRanksTest, OtherRecipe) {
  Ranks ranks(dir_->path().string(), 2, tests::free_port());
  ranks.start(0, with_program(endless("recipe")));
  ranks.start(1, with_program(endless("recipe", {"run.seed=6"})));
  for (const int rank : {0, 1}) {
    EXPECT_EQ(ranks[rank].wait(), 2) << ranks[rank].output();
    EXPECT_NE(ranks[rank].output().find("rank 1 reads another recipe than rank 0"), std::string::npos);
  }
}

// ---- Ranks that do not meet.

TEST_F(LostRanksTest, OneDoesNotCome) {
  Ranks ranks(dir_->path().string(), 3, tests::free_port());
  const auto since = Clock::now();
  for (const int rank : {0, 1})
    ranks.start(rank, with_program(endless("missing", {"distributed.join_timeout=3"})));
  for (const int rank : {0, 1})
    expect_lost(ranks, rank, since, {"rank 2 of 3 did not come to 127.0.0.1:", "within 3 s"});
  EXPECT_FALSE(std::filesystem::exists(path("missing")));
}

TEST_F(LostRanksTest, NobodyOpensTheStore) {
  Ranks ranks(dir_->path().string(), 2, tests::free_port());
  const auto since = Clock::now();
  ranks.start(1, with_program(endless("no-store", {"distributed.join_timeout=2"})));
  expect_lost(ranks, 1, since, {"rank 1 (", "cannot reach the store at 127.0.0.1:", "Connection refused"});
}

TEST_F(LostRanksTest, ThePortIsTaken) {
  int stranger = -1;
  Ranks ranks(dir_->path().string(), 2, tests::free_port(&stranger));
  const auto since = Clock::now();
  ranks.start_all(with_program(endless("taken", {"distributed.join_timeout=2"})));
  expect_lost(ranks, 0, since, {"rank 0 cannot open port ", "Address already in use", "MASTER_PORT"});
  expect_lost(ranks, 1, since,
              {"rank 1 (", "could not use the store at 127.0.0.1:", "something else uses the port"});
  close(stranger);
}

TEST_F(LostRanksTest, TheyDoNotAgreeHowManyTheyAre) {
  const int port = tests::free_port();
  Ranks two(dir_->path().string(), 2, port), three(dir_->path().string(), 3, port);
  const auto since = Clock::now();
  two.start(0, with_program(endless("numbers")));
  three.start(2, with_program(endless("numbers")));
  expect_lost(two, 0, since, {"ranks, but another rank counts "});
  expect_lost(three, 2, since, {"ranks, but another rank counts "});
}

}  // namespace
}  // namespace caravan
