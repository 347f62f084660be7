// caravan launch and torchrun with real ranks: their output, their signals, their ends.
#include <array>
#include <filesystem>
#include <random>

#include "tests/faults/ranks_fixture.h"
#include "tests/support/python.h"

namespace caravan {
namespace {

namespace fs = std::filesystem;
using tests::Program;

class LaunchTest : public RanksTest {
 protected:
  static std::vector<std::string> launched(int ranks, const std::vector<std::string>& words,
                                           const std::vector<std::string>& flags = {}) {
    std::vector<std::string> all{kProgram, "launch", "--nproc", std::to_string(ranks)};
    all.insert(all.end(), flags.begin(), flags.end());
    all.push_back("--");
    all.insert(all.end(), words.begin() + 1, words.end());
    return all;
  }
  // Processes whose command line names the folder of the run, the launcher aside; by their rank.
  static std::map<int, pid_t> ranks_of(const std::string& run) {
    std::map<int, pid_t> found;
    for (const auto& entry : fs::directory_iterator("/proc")) {
      const std::string number = entry.path().filename().string();
      if (number.find_first_not_of("0123456789") != std::string::npos) continue;
      const std::string words = tests::read_bytes(entry.path() / "cmdline");
      if (words.find("run.dir=" + path(run)) == std::string::npos ||
          words.find("launch") != std::string::npos)
        continue;
      const std::string environment = tests::read_bytes(entry.path() / "environ");
      const auto rank = environment.find("LOCAL_RANK=");
      if (rank != std::string::npos) found[std::stoi(environment.substr(rank + 11))] = std::stoi(number);
    }
    return found;
  }
  static bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }
};

TEST_F(LaunchTest, LinesAreMarkedAndWhole) {
  std::vector<std::string> words = train("lines");
  std::erase(words, "--quiet");
  Program program(launched(2, words), path("log"));
  ASSERT_EQ(program.wait(), 0) << program.output();
  std::istringstream lines(program.output());
  for (std::string line; std::getline(lines, line);) EXPECT_TRUE(line.starts_with("[rank 0] ")) << line;
  EXPECT_TRUE(has(program.output(), "[rank 0] rank 0 of 2 from caravan launch, which meet at 127.0.0.1:"));
  EXPECT_TRUE(has(program.output(), "[rank 0] step 20/20  loss "));
}

TEST_F(LaunchTest, TheCodeOfTheFirstErrorIsTheLaunchers) {
  Program usage(launched(2, train("usage", {"optimizer.no_such_key=1"})), path("log"));
  EXPECT_EQ(usage.wait(), 2) << usage.output();
  EXPECT_TRUE(has(usage.output(), "caravan: launch: rank "));
  Program data(launched(2, train("data", {"data.max_length=1 tokens", "data.too_long=error"})), path("log"));
  const int code = data.wait();
  EXPECT_TRUE(code == 65 || code == 2) << data.output();
  Program bad({kProgram, "launch", "--nproc", "2", "--nnodes", "2", "--", "train"}, path("log"));
  EXPECT_EQ(bad.wait(), 2);
  EXPECT_TRUE(has(bad.output(), "--nnodes needs --master HOST:PORT"));
}

// SIGTERM to the launcher: every rank saves in the same step, and the same command goes on to the same bits.
TEST_F(LaunchTest, StoppedAndResumedIsUndisturbed) {
  ASSERT_EQ(launch(2, train("undisturbed")), 0);
  Program program(launched(2, train("disturbed")), path("log"));
  ASSERT_TRUE(program.wait_until(stepping("disturbed"))) << program.output();
  program.signal(SIGTERM);
  ASSERT_EQ(program.wait(), 75) << program.output();
  ASSERT_EQ(launch(2, train("disturbed")), 0);
  EXPECT_EQ(final_bytes("disturbed"), final_bytes("undisturbed"));
}

// One that only another rank was told: all stop in the same step.
TEST_F(LaunchTest, ASignalToOneRankStopsAll) {
  Program program(launched(2, endless("one-told")), path("log"));
  ASSERT_TRUE(program.wait_until(stepping("one-told"))) << program.output();
  kill(ranks_of("one-told").at(1), SIGUSR1);
  EXPECT_EQ(program.wait(), 75) << program.output();
  const auto steps = steps_done("one-told");
  char name[40];
  std::snprintf(name, sizeof name, "/checkpoints/step-%08lld", static_cast<long long>(steps));
  EXPECT_TRUE(fs::exists(path("one-told") + name + "/manifest.json"));
}

// Before there is a step: one rank reads the data, the others wait for it.
TEST_F(LaunchTest, StoppedWhileReadingData) {
  ASSERT_EQ(
      Program({kProgram, "demo-data", "--out", path("large"), "--rows", "60000", "--seed", "4"}, path("log"))
          .wait(),
      0);
  Program program(launched(2, endless("reading", {"data.sources.0.path=" + path("large/train.jsonl")})),
                  path("log"));
  ASSERT_TRUE(program.wait_until([] { return fs::exists(path("reading") + "/data/cache"); }))
      << program.output();
  kill(ranks_of("reading").at(1), SIGTERM);
  EXPECT_EQ(program.wait(), 75) << program.output();
  EXPECT_FALSE(fs::exists(path("reading") + "/metrics.jsonl"));
}

TEST_F(LaunchTest, TheEndOfTheJobIsWatched) {
  std::vector<std::string> words = launched(2, endless("job-end"));
  words.insert(words.begin(), {"/usr/bin/env", "SLURM_JOB_END_TIME=" + std::to_string(time(nullptr) + 30)});
  Program program(words, path("log"));
  EXPECT_EQ(program.wait(), 75) << program.output();
  EXPECT_TRUE(has(tests::read_bytes(path("job-end") + "/log.txt"), "stopped by the end of the job"));
}

TEST_F(LaunchTest, RestartsWhereARankWasKilled) {
  ASSERT_EQ(launch(2, train("not-killed")), 0);
  Program program(launched(2, train("restarted"), {"--max-restarts", "1"}), path("log"));
  ASSERT_TRUE(program.wait_until(stepping("restarted", 6))) << program.output();
  kill(ranks_of("restarted").at(1), SIGKILL);
  ASSERT_EQ(program.wait(), 0) << program.output();
  EXPECT_TRUE(has(program.output(), "caravan: launch: rank 1 was killed by SIGKILL"));
  EXPECT_TRUE(has(program.output(), "starting the ranks again, restart 1 of 1"));
  EXPECT_EQ(final_bytes("restarted"), final_bytes("not-killed"));
}

TEST_F(LaunchTest, NoRankOutlivesTheLauncher) {
  Program program(launched(3, endless("orphans")), path("log"));
  ASSERT_TRUE(program.wait_until(stepping("orphans"))) << program.output();
  ASSERT_EQ(ranks_of("orphans").size(), 3u);
  program.signal(SIGKILL);
  program.wait();
  for (int i = 0; i < 200 && !ranks_of("orphans").empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_TRUE(ranks_of("orphans").empty());
}

class SoakSlow : public LaunchTest {};

// Ten faults at moments of chance, each followed by the same command: the weights of a run that nobody
// disturbed.
TEST_F(SoakSlow, EndsWithTheWeightsOfAnUndisturbedRun) {
  const std::vector<std::string> longer{"run.max_steps=120", "distributed.shard=1"};
  ASSERT_EQ(launch(3, train("quiet", longer)), 0);
  std::mt19937 random(11);
  int faults = 0;
  while (faults < 10) {
    Program program(launched(3, train("soak", longer)), path("log"));
    const auto moment = std::chrono::steady_clock::now() + std::chrono::milliseconds(600 + random() % 1500);
    if (!program.wait_until([&] { return std::chrono::steady_clock::now() > moment; })) break;  // it is done
    const auto ranks = ranks_of("soak");
    const auto victim = ranks.find(static_cast<int>(random() % 3));
    const int fault = static_cast<int>(random() % 4);
    SCOPED_TRACE("fault " + std::to_string(fault));
    if (fault < 3 && victim != ranks.end())
      kill(victim->second, std::array{SIGKILL, SIGSTOP, SIGTERM}[static_cast<std::size_t>(fault)]);
    else
      program.signal(SIGKILL);
    const int code = program.wait();
    EXPECT_TRUE(code == 75 || code == 76 || code == -SIGKILL || code == 0) << code << program.output();
    for (int i = 0; i < 500 && !ranks_of("soak").empty(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ++faults;
  }
  EXPECT_GE(faults, 5);
  ASSERT_EQ(launch(3, train("soak", longer)), 0) << tests::read_bytes(path("log"));
  EXPECT_EQ(final_bytes("soak"), final_bytes("quiet"));
}

// ---- torchrun of the wheel.

class TorchrunTest : public LaunchTest {
 protected:
  void SetUp() override { SKIP_WITHOUT_PYTHON_MODULE("torch.distributed.run"); }
  static std::vector<std::string> torchrun(const std::vector<std::string>& words) {
    std::vector<std::string> all{
        "/usr/bin/env", tests::python(),    "-m", "torch.distributed.run", "--standalone",
        "--no-python",  "--nproc-per-node", "2"};
    all.insert(all.end(), words.begin(), words.end());
    return all;
  }
};

TEST_F(TorchrunTest, SameResultAsOurLauncher) {
  ASSERT_EQ(launch(2, train("ours")), 0);
  Program program(torchrun(train("theirs")), path("log"));
  ASSERT_EQ(program.wait(), 0) << program.output();
  EXPECT_EQ(final_bytes("theirs"), final_bytes("ours"));
  const std::string log = tests::read_bytes(path("theirs") + "/log.txt");
  EXPECT_TRUE(has(log, "rank 0 of 2 from torchrun, which meet at ")) << log;
}

TEST_F(TorchrunTest, ItsLastWordsNameOurCause) {
  dir_->write("cause/final/not-ours", "");
  Program program(torchrun(train("cause")), path("log"));
  EXPECT_EQ(program.wait(), 1) << program.output();
  const std::string output = program.output();
  const auto banner = output.find("Root Cause");
  ASSERT_NE(banner, std::string::npos) << output;
  EXPECT_TRUE(has(output.substr(banner), path("cause") + ": holds final but no recipe.yaml")) << output;
}

}  // namespace
}  // namespace caravan
