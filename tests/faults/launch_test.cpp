// caravan launch and torchrun with real ranks: their output, their signals, their ends.
#include <array>
#include <random>

#include "tests/faults/ranks_fixture.h"
#include "tests/support/python.h"

namespace caravan {
namespace {

using tests::Program;

class LaunchTest : public RanksTest {
 protected:
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
  Words words = train_words("lines");
  std::erase(words, "--quiet");
  Program program = start(launch_words(2, words));
  ASSERT_EQ(program.wait(), 0) << program.output();
  std::istringstream lines(program.output());
  for (std::string line; std::getline(lines, line);) EXPECT_TRUE(line.starts_with("[rank 0] ")) << line;
  EXPECT_TRUE(has(program.output(), "[rank 0] rank 0 of 2 from caravan launch, which meet at 127.0.0.1:"));
  EXPECT_TRUE(has(program.output(), "[rank 0] step 20/20  loss "));
}

TEST_F(LaunchTest, TheCodeOfTheFirstErrorIsTheLaunchers) {
  Program usage = start(launch_words(2, train_words("usage", {"optimizer.no_such_key=1"})));
  EXPECT_EQ(usage.wait(), 2) << usage.output();
  EXPECT_TRUE(has(usage.output(), "caravan: launch: rank "));
  const Words short_rows = train_words("data", {"data.max_length=1 tokens", "data.too_long=error"});
  Program data = start(launch_words(2, short_rows));
  const int code = data.wait();
  EXPECT_TRUE(code == 65 || code == 2) << data.output();
  Program bad = start({"launch", "--nproc", "2", "--nnodes", "2", "--", "train"});
  EXPECT_EQ(bad.wait(), 2);
  EXPECT_TRUE(has(bad.output(), "--nnodes needs --master HOST:PORT"));
}

// SIGTERM to the launcher: every rank saves in the same step, and the same command goes on to the same bits.
TEST_F(LaunchTest, StoppedAndResumedIsUndisturbed) {
  ASSERT_EQ(launch(2, "undisturbed"), 0);
  const Words two = launch_words(2, train_words("disturbed"));
  ASSERT_EQ(run_until(stepping("disturbed"), SIGTERM, two), 75) << log();
  ASSERT_EQ(launch(2, "disturbed"), 0);
  EXPECT_EQ(final_bytes("disturbed"), final_bytes("undisturbed"));
}

// One that only another rank was told: all stop in the same step.
TEST_F(LaunchTest, ASignalToOneRankStopsAll) {
  Program program = start(launch_words(2, endless("one-told")));
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
  ASSERT_EQ(run({"demo-data", "--out", path("large"), "--rows", "60000", "--seed", "4"}), 0) << log();
  const Words words = endless("reading", {"data.sources.0.path=" + path("large/train.jsonl")});
  Program program = start(launch_words(2, words));
  ASSERT_TRUE(program.wait_until([] { return fs::exists(path("reading") + "/data/cache"); }))
      << program.output();
  kill(ranks_of("reading").at(1), SIGTERM);
  EXPECT_EQ(program.wait(), 75) << program.output();
  EXPECT_FALSE(fs::exists(path("reading") + "/metrics.jsonl"));
}

TEST_F(LaunchTest, TheEndOfTheJobIsWatched) {
  Words words = with_program(launch_words(2, endless("job-end")));
  words.insert(words.begin(), {"/usr/bin/env", "SLURM_JOB_END_TIME=" + std::to_string(time(nullptr) + 30)});
  Program program(words, path("log"));
  EXPECT_EQ(program.wait(), 75) << program.output();
  EXPECT_TRUE(has(tests::read_bytes(path("job-end") + "/log.txt"), "stopped by the end of the job"));
}

TEST_F(LaunchTest, RestartsWhereARankWasKilled) {
  ASSERT_EQ(launch(2, "not-killed"), 0);
  Program program = start(launch_words(2, train_words("restarted"), {"--max-restarts", "1"}));
  ASSERT_TRUE(program.wait_until(stepping("restarted", 6))) << program.output();
  kill(ranks_of("restarted").at(1), SIGKILL);
  ASSERT_EQ(program.wait(), 0) << program.output();
  EXPECT_TRUE(has(program.output(), "caravan: launch: rank 1 was killed by SIGKILL"));
  EXPECT_TRUE(has(program.output(), "starting the ranks again, restart 1 of 1"));
  EXPECT_EQ(final_bytes("restarted"), final_bytes("not-killed"));
}

TEST_F(LaunchTest, NoRankOutlivesTheLauncher) {
  Program program = start(launch_words(3, endless("orphans")));
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
  const Words longer{"run.max_steps=120", "distributed.shard=1"};
  ASSERT_EQ(launch(3, "quiet", longer), 0);
  std::mt19937 random(11);
  int faults = 0;
  while (faults < 10) {
    Program program = start(launch_words(3, train_words("soak", longer)));
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
  ASSERT_EQ(launch(3, "soak", longer), 0) << log();
  EXPECT_EQ(final_bytes("soak"), final_bytes("quiet"));
}

// ---- torchrun of the wheel.

class TorchrunTest : public LaunchTest {
 protected:
  void SetUp() override { SKIP_WITHOUT_PYTHON_MODULE("torch.distributed.run"); }
  static Words torchrun(const Words& words) {
    return joined({"/usr/bin/env", tests::python(), "-m", "torch.distributed.run", "--standalone",
                   "--no-python", "--nproc-per-node", "2"},
                  with_program(words));
  }
};

TEST_F(TorchrunTest, SameResultAsOurLauncher) {
  ASSERT_EQ(launch(2, "ours"), 0);
  Program program(torchrun(train_words("theirs")), path("log"));
  ASSERT_EQ(program.wait(), 0) << program.output();
  EXPECT_EQ(final_bytes("theirs"), final_bytes("ours"));
  const std::string log = tests::read_bytes(path("theirs") + "/log.txt");
  EXPECT_TRUE(has(log, "rank 0 of 2 from torchrun, which meet at ")) << log;
}

TEST_F(TorchrunTest, ItsLastWordsNameOurCause) {
  dir_->write("cause/final/not-ours", "");
  Program program(torchrun(train_words("cause")), path("log"));
  EXPECT_EQ(program.wait(), 1) << program.output();
  const std::string output = program.output();
  const auto banner = output.find("Root Cause");
  ASSERT_NE(banner, std::string::npos) << output;
  EXPECT_TRUE(has(output.substr(banner), path("cause") + ": holds final but no recipe.yaml")) << output;
}

}  // namespace
}  // namespace caravan
