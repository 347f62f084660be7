#include "trainer/metrics/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/temp_dir.h"
#include "trainer/error.h"

namespace caravan::trainer {
namespace {

using tests::read_bytes;
using tests::TempDir;

class LogTest : public testing::Test {
 protected:
  LogTest() : descriptor_(open((dir_ / "screen").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600)) {}
  ~LogTest() override { close(descriptor_); }

  TerminalOptions abilities() const {
    TerminalOptions options;
    options.descriptor = descriptor_;
    return options;
  }
  static std::chrono::system_clock::time_point at_noon() {
    return std::chrono::system_clock::time_point(std::chrono::milliseconds(1769860805123));
  }
  std::string screen() const { return read_bytes(dir_ / "screen"); }

  TempDir dir_;
  int descriptor_;
};

TEST_F(LogTest, FileHasTimeAndLevelTheTerminalTheText) {
  Terminal terminal(abilities());
  Log log(terminal, dir_ / "log.txt", 0, at_noon);
  log.info("begins");
  log.detail("cpu: x");
  log.warn("two\nlines");
  EXPECT_EQ(screen(), "begins\nwarning: two\nlines\n");
  EXPECT_EQ(read_bytes(dir_ / "log.txt"),
            "2026-01-31T12:00:05.123Z info begins\n2026-01-31T12:00:05.123Z detail cpu: x\n"
            "2026-01-31T12:00:05.123Z warning two\n    lines\n");
}

TEST_F(LogTest, OtherRanksSpeakUpOnlyWhenItMatters) {
  Terminal terminal(abilities());
  Log log(terminal, dir_ / "log.txt", 3, at_noon);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "log_rank_00003.txt"));
  log.info("begins");
  log.error("lost");
  EXPECT_EQ(screen(), "[rank 3] error: lost\n");
  EXPECT_EQ(read_bytes(dir_ / "log_rank_00003.txt"),
            "2026-01-31T12:00:05.123Z info [rank 3] begins\n2026-01-31T12:00:05.123Z error [rank 3] lost\n");
  EXPECT_FALSE(std::filesystem::exists(dir_ / "log.txt"));
}

TEST_F(LogTest, FullDiskEndsARunButNotItsLastWords) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  Terminal terminal(abilities());
  Log log(terminal, "/dev/full", 0, at_noon);
  EXPECT_THROW(log.info("hello"), Error);
  log.error("bye");
  EXPECT_EQ(screen(), "hello\nerror: bye\n");
}

TEST_F(LogTest, WithoutAFileNothingIsWritten) {
  Terminal terminal(abilities());
  Log log(terminal, {}, 0, at_noon);
  log.info("hello");
  log.flush();
  EXPECT_EQ(screen(), "hello\n");
}

}  // namespace
}  // namespace caravan::trainer
