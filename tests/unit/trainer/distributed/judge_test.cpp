#include "trainer/distributed/judge.h"

#include <gtest/gtest.h>

#include "trainer/distributed/lost_rank.h"

namespace caravan::trainer {
namespace {

using namespace std::chrono_literals;

class JudgeTest : public testing::Test {
 protected:
  // Each rank says its state again, alive, once a second for `seconds`.
  void live(int seconds, const std::vector<int>& ranks) {
    for (int i = 0; i < seconds; ++i) {
      now_ += 1s;
      for (const int rank : ranks) {
        ++states_[rank].beat;
        judge_.see(rank, states_[rank], now_);
      }
    }
  }
  PeerState& state(int rank) {
    states_[rank].host = "node" + std::to_string(rank);
    return states_[rank];
  }

  Judge judge_{30s, 5s};
  Judge::Time now_{};
  std::map<int, PeerState> states_;
};

TEST_F(JudgeTest, NobodyWhileAllLive) {
  for (int rank = 0; rank < 3; ++rank) state(rank).call = "barrier begin";
  live(1000, {0, 1, 2});
  EXPECT_EQ(judge_.judge(now_), std::nullopt);
}

TEST_F(JudgeTest, TheSilentOne) {
  state(2).step = 7;
  state(2).call = "all_gather layers.1";
  live(5, {0, 1, 2});
  live(30, {0, 1});
  EXPECT_EQ(judge_.judge(now_), std::nullopt);
  live(1, {0, 1});
  const auto verdict = judge_.judge(now_);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->rank, 2);
  EXPECT_EQ(verdict->host, "node2");
  EXPECT_EQ(verdict->step, 7);
  EXPECT_EQ(
      verdict->text,
      "is gone or stopped: no sign of life for 30 s; last seen in what follows `all_gather layers.1` of step "
      "7; look at its output, and there for an out-of-memory kill");
}

TEST_F(JudgeTest, SilenceCountsSoonerOnceAConnectionBroke) {
  live(5, {0, 1, 2});
  state(1).broken = true;
  state(1).call = "all_reduce layers.0";
  state(1).step = 9;
  live(6, {0, 1});
  const auto verdict = judge_.judge(now_);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->rank, 2);
  EXPECT_EQ(verdict->step, 9);
  EXPECT_NE(
      verdict->text.find("for 5 s, while others wait in `all_reduce layers.0` of step 9; last seen in the"),
      std::string::npos)
      << verdict->text;
}

TEST_F(JudgeTest, TheOneBehindTheOthers) {
  live(1, {0, 1, 2});
  for (const int rank : {0, 2}) {
    state(rank).entered = 9;
    state(rank).waiting_in = 9;
    state(rank).call = "reduce_scatter layers.3";
    state(rank).step = 17;
  }
  state(1).entered = 8;
  live(30, {0, 1, 2});
  EXPECT_EQ(judge_.judge(now_), std::nullopt);
  live(2, {0, 1, 2});
  const auto verdict = judge_.judge(now_);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->rank, 1);
  EXPECT_TRUE(verdict->text.starts_with("did not reach `reduce_scatter layers.3` of step 17 within 30 s"));
}

TEST_F(JudgeTest, ProgressAndPatienceExcuse) {
  state(0).entered = state(0).waiting_in = 5;
  for (int i = 0; i < 20; ++i) {
    live(20, {0, 1});
    ++state(1).progress;
    EXPECT_EQ(judge_.judge(now_), std::nullopt);
  }
  state(1).patience_ms = 120000;
  live(115, {0, 1});
  EXPECT_EQ(judge_.judge(now_), std::nullopt);
  live(10, {0, 1});
  ASSERT_TRUE(judge_.judge(now_));
  EXPECT_EQ(judge_.judge(now_)->rank, 1);
}

TEST_F(JudgeTest, WhoLeftOwesNothing) {
  state(1).left = true;
  live(1, {0, 1});
  state(0).entered = state(0).waiting_in = 5;
  live(100, {0});
  EXPECT_EQ(judge_.judge(now_), std::nullopt);
}

TEST_F(JudgeTest, AWatcherThatStoodStillBlamesNobody) {
  live(5, {0, 1});
  now_ += 3600s;
  judge_.forgive(now_);
  EXPECT_EQ(judge_.judge(now_), std::nullopt);
}

TEST(PeerState, SurvivesTheStore) {
  PeerState state{.beat = 1,
                  .progress = 2,
                  .entered = 3,
                  .waiting_in = 3,
                  .patience_ms = 4,
                  .step = 5,
                  .call = "all_reduce \"x\"\n",
                  .section = "saving",
                  .host = "h",
                  .broken = true,
                  .wants_stop = true,
                  .left = false};
  EXPECT_EQ(parse_peer_state(to_text(state)), state);
  for (const char* text : {"", "[", "[1,2]", "{}", "[1,2,3,4,5,6,7,8,9,10,11,12]", "\xff"})
    EXPECT_EQ(parse_peer_state(text), std::nullopt) << text;
}

TEST(LostRank, SurvivesTheStore) {
  const LostRank lost{3, "node3", 17, "failed: \xc3\xa4", 74};
  EXPECT_EQ(parse_lost_rank(to_text(lost)), lost);
  EXPECT_EQ(lost.sentence(), "rank 3 (node3) failed: \xc3\xa4");
  for (const char* text : {"", "null", "{}", "{\"rank\":\"x\"}"})
    EXPECT_EQ(parse_lost_rank(text), std::nullopt);
}

}  // namespace
}  // namespace caravan::trainer
