// Stage dpo killed without warning, alone and as ranks, in the reference pass and in a step: what was written
// counts, nobody waits for the dead, and the end has the bits of a run that was left alone.
#include <chrono>

#include "tests/preferences/pairs_fixture.h"
#include "tests/support/ranks.h"

namespace caravan {
namespace {

class PreferenceFaultsSlow : public PairsTest {
 protected:
  static void SetUpTestSuite() {
    PairsTest::SetUpTestSuite();
    ASSERT_EQ(train("whole"), 0) << log();
  }
  // The reference pass has written so many parts.
  static std::function<bool()> parts(const std::string& run_dir, int count) {
    return [run_dir, count] {
      int found = 0;
      std::error_code ignored;
      for (const auto& entry : fs::recursive_directory_iterator(path(run_dir) + "/data", ignored))
        found += entry.path().extension() == ".ref";
      return found >= count;
    };
  }
  static std::function<bool()> stepping(const std::string& run_dir) {
    return [run_dir] { return rows(run_dir).size() > 5; };
  }
  static void expect_killed_and_gone_on(const std::string& run_dir, const std::function<bool()>& moment) {
    ASSERT_EQ(run_until(moment, SIGKILL, train_words(run_dir)), -SIGKILL);
    ASSERT_EQ(train(run_dir), 0) << log();
    expect_same("whole", run_dir);
  }
  // One of two ranks is killed; the other ends by itself and names it.
  static void expect_lost_and_gone_on(const std::string& run_dir, const std::function<bool()>& moment) {
    {
      tests::Ranks ranks(dir_->path().string(), 2, tests::free_port());
      ranks.start_all(with_program(train_words(run_dir)));
      ASSERT_TRUE(ranks[0].wait_until(moment)) << ranks[0].output();
      const auto since = std::chrono::steady_clock::now();
      ranks[1].signal(SIGKILL);
      EXPECT_EQ(ranks[0].wait(), 76) << ranks[0].output();
      EXPECT_LT(std::chrono::steady_clock::now() - since, std::chrono::seconds(30));
      EXPECT_NE(ranks[0].output().find("rank 1"), std::string::npos) << ranks[0].output();
    }
    ASSERT_EQ(launch(2, run_dir), 0) << log();
    expect_same("whole", run_dir);
  }
};

TEST_F(PreferenceFaultsSlow, KilledInTheReferencePass) {
  expect_killed_and_gone_on("first-part", parts("first-part", 1));
  expect_killed_and_gone_on("third-part", parts("third-part", 3));
}

TEST_F(PreferenceFaultsSlow, KilledInAStep) {
  expect_killed_and_gone_on("step", stepping("step"));
}

TEST_F(PreferenceFaultsSlow, ARankIsKilledInTheReferencePass) {
  expect_lost_and_gone_on("rank-in-pass", parts("rank-in-pass", 1));
}

TEST_F(PreferenceFaultsSlow, ARankIsKilledInAStep) {
  expect_lost_and_gone_on("rank-in-step", stepping("rank-in-step"));
}

}  // namespace
}  // namespace caravan
