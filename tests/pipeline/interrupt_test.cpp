// Ctrl-C while a pipeline runs: to its process group as from a script, and at a terminal, where the running
// stage has the foreground. Once ends it when the stage has saved, twice at once.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "tests/pipeline/pipeline_run.h"

namespace caravan {
namespace {

class PipelineInterrupt : public PipelineRun {
 protected:
  static std::string long_stages() {
    return "  - {name: sft, recipe: sft.yaml, with: {run.max_steps: 4000, run.checkpoint_every: 1000 "
           "steps}}\n  - {name: next, command: [\"true\"]}\n";
  }
  static bool has_trained(const std::string& name) {
    return fs::exists(path(name + "/1-sft/metrics.jsonl")) &&
           fs::file_size(path(name + "/1-sft/metrics.jsonl")) > 2000;
  }
  static std::size_t num_checkpoints(const std::string& name) {
    std::size_t count = 0;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(path(name + "/1-sft/checkpoints"), ignored))
      count += fs::exists(entry.path() / "manifest.json") ? 1 : 0;
    return count;
  }
  static void expect_stopped_well(const std::string& name) {
    EXPECT_EQ(story(name), "sft stopped") << log();
    EXPECT_EQ(num_checkpoints(name), 1u) << "the stage saved before it ended";
    const json card = json::parse(tests::read_bytes(path(name + "/1-sft/run.json")));
    EXPECT_NE(card.dump().find("\"stopped\""), std::string::npos) << card;
  }
};

// A pipeline in a group of its own, as a job of a shell without a terminal.
class GroupOfItsOwn {
 public:
  explicit GroupOfItsOwn(const std::vector<std::string>& words, const std::string& log) {
    pid_ = fork();
    if (pid_ != 0) {
      setpgid(pid_, pid_);
      return;
    }
    setpgid(0, 0);
    const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    dup2(out, 1);
    dup2(out, 2);
    run(words);
  }
  ~GroupOfItsOwn() {
    if (!reaped_) {
      kill(-pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }
  GroupOfItsOwn(const GroupOfItsOwn&) = delete;
  GroupOfItsOwn& operator=(const GroupOfItsOwn&) = delete;

  [[noreturn]] static void run(const std::vector<std::string>& words) {
    std::vector<char*> pointers;
    for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
    pointers.push_back(nullptr);
    execv(pointers[0], pointers.data());
    _exit(127);
  }
  void interrupt() const { kill(-pid_, SIGINT); }
  int wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    reaped_ = true;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  bool wait_until(const std::function<bool()>& condition) {
    for (int i = 0; i < 60000 && !condition(); ++i) {
      if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
        reaped_ = true;
        return false;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return condition();
  }

 private:
  pid_t pid_ = -1;
  bool reaped_ = false;
};

TEST_F(PipelineInterrupt, OfTheGroupOnceSavesFirst) {
  const std::string recipe = write("group", long_stages());
  GroupOfItsOwn job(with_program(pipeline_words(recipe)), path("log"));
  ASSERT_TRUE(job.wait_until([] { return has_trained("group"); })) << log();
  job.interrupt();
  EXPECT_EQ(job.wait(), 75) << log();
  expect_stopped_well("group");
}

TEST_F(PipelineInterrupt, OfTheGroupTwiceEndsAtOnce) {
  // One that does not hear it, once or twice.
  const std::string recipe = write("deaf",
                                   "  - {name: deaf, command: [sh, -c, 'trap \"\" INT; touch "
                                   "\"$CARAVAN_STAGE_DIR/begun\"; sleep 600']}\n");
  GroupOfItsOwn job(with_program(pipeline_words(recipe)), path("log"));
  ASSERT_TRUE(job.wait_until([] { return fs::exists(path("deaf/1-deaf/begun")); })) << log();
  const auto begin = std::chrono::steady_clock::now();
  job.interrupt();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  job.interrupt();
  EXPECT_EQ(job.wait(), 75) << log();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60)) << "it slept to its end";
  EXPECT_EQ(story("deaf"), "deaf stopped");
}

// A session with a terminal of its own, whose leader waits for the pipeline as a shell does. Its exit code is
// that of the pipeline, 200 where there is no such terminal.
pid_t at_a_terminal(const std::vector<std::string>& words, const std::string& log, int terminal) {
  const std::string name = ptsname(terminal);
  const pid_t leader = fork();
  if (leader != 0) return leader;
  setsid();
  const int own = open(name.c_str(), O_RDWR);
  if (own < 0 || ioctl(own, TIOCSCTTY, 0) != 0 || dup2(own, 0) != 0) _exit(200);
  ::signal(SIGTTOU, SIG_IGN);
  const pid_t job = fork();
  if (job == 0) {
    setpgid(0, 0);
    tcsetpgrp(0, getpid());
    ::signal(SIGTTOU, SIG_DFL);
    const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    dup2(out, 1);
    dup2(out, 2);
    GroupOfItsOwn::run(words);
  }
  setpgid(job, job);
  int status = 0;
  waitpid(job, &status, 0);
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

TEST_F(PipelineInterrupt, AtATerminal) {
  for (const int times : {1, 2}) {
    const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0)
      GTEST_SKIP() << "skipped: no terminal can be made here";
    const std::string name = "terminal" + std::to_string(times), recipe = write(name, long_stages());
    const pid_t leader = at_a_terminal(with_program(pipeline_words(recipe)), path("log"), terminal);
    for (int i = 0; i < 60000 && !has_trained(name); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_TRUE(has_trained(name)) << log();
    // What the key sends; the line discipline of the terminal makes a signal of it.
    for (int i = 0; i < times; ++i) ASSERT_EQ(::write(terminal, "\x03", 1), 1);
    int status = 0;
    waitpid(leader, &status, 0);
    close(terminal);
    ASSERT_TRUE(WIFEXITED(status));
    if (WEXITSTATUS(status) == 200) GTEST_SKIP() << "skipped: no terminal can be made here";
    EXPECT_EQ(WEXITSTATUS(status), 75) << log();
    if (times == 1)
      expect_stopped_well(name);
    else
      EXPECT_EQ(story(name), "sft stopped") << log();
  }
}

}  // namespace
}  // namespace caravan
