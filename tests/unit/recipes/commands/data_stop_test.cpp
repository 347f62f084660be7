// The program itself, stopped in the middle: nothing half is left, and the same command then goes through.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/program.h"
#include "tests/support/temp_dir.h"

namespace caravan::tests {
namespace {

TEST(DataStop, InterruptWhileWaitingForInputLeavesNothing) {
  const std::string program = CARAVAN_BINARY_DIR "/caravan";
  if (!std::filesystem::exists(program)) GTEST_SKIP() << program << " is not built";
  const TempDir dir;
  const std::string pipe = (dir / "rows").string(), out = (dir / "out.jsonl").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  // Held open for both ways, so that the program neither waits for a writer nor sees the end.
  const int held = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(held, 0);
  const std::vector<std::string> words{program,    "data",     "convert", pipe,
                                       "--format", "messages", "--out",   out};
  {
    Program running(words, (dir / "log").string());
    ASSERT_TRUE(running.wait_until([&] { return std::filesystem::exists(out + ".partial"); }));
    running.signal(SIGINT);
    EXPECT_EQ(running.wait(), 75) << running.output();
    EXPECT_NE(running.output().find("stopped"), std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(out));
  EXPECT_FALSE(std::filesystem::exists(out + ".partial"));
  ::close(held);
  const std::string file = dir.write(
      "rows.jsonl",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"}]}\n");
  Program again({program, "data", "convert", file, "--out", out, "--quiet"}, (dir / "log").string());
  EXPECT_EQ(again.wait(), 0) << again.output();
  EXPECT_TRUE(std::filesystem::exists(out));
}

}  // namespace
}  // namespace caravan::tests
