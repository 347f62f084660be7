// Children on a terminal, and signals that come when nobody looks.
#include "recipes/pipeline/child_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace caravan::recipes {
namespace {

// Runs `work` as a background job of a session that has a terminal of its own, and says who has the terminal
// afterwards: 0 the session's leader as before, 1 someone else, 2 there was no such terminal.
int after_background_job(const std::function<void()>& work) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0) return 2;
  const std::string name = ptsname(terminal);
  const pid_t leader = fork();
  if (leader == 0) {
    setsid();
    if (dup2(open(name.c_str(), O_RDWR), STDIN_FILENO) != 0 || tcgetpgrp(STDIN_FILENO) != getpgrp()) _exit(2);
    const pid_t job = fork();
    if (job == 0) {
      setpgid(0, 0);
      work();
      _exit(0);
    }
    setpgid(job, job);
    waitpid(job, nullptr, 0);
    _exit(tcgetpgrp(STDIN_FILENO) == getpgrp() ? 0 : 1);
  }
  int status = 0;
  waitpid(leader, &status, 0);
  close(terminal);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

TEST(ChildProcess, InTheBackgroundTheTerminalIsLeftAlone) {
  const int found = after_background_job([] {
    HeldSignals signals;
    run_child({"true"}, {}, signals);
  });
  if (found == 2) GTEST_SKIP() << "skipped: no terminal can be made here";
  EXPECT_EQ(found, 0);
}

TEST(ChildProcess, CtrlZDoesNotStopIt) {
  HeldSignals signals;
  const ChildEnd end = run_child({"sh", "-c", "kill -TSTP $$; exit 7"}, {.timeout_seconds = 20}, signals);
  EXPECT_EQ(end.code, 7);
  EXPECT_FALSE(end.timed_out) << "it was stopped, and nobody woke it";
}

TEST(ChildProcess, SignalsBetweenChildrenAreNotLost) {
  HeldSignals signals;
  EXPECT_FALSE(signals.told_to_stop());
  EXPECT_EQ(run_child({"true"}, {}, signals).code, 0);
  EXPECT_FALSE(signals.told_to_stop()) << "a child that ended is no wish to stop";
  for (const int number : {SIGTERM, SIGHUP, SIGUSR1, SIGINT}) raise(number);
  EXPECT_TRUE(signals.told_to_stop());
  EXPECT_TRUE(signals.told_to_stop()) << "then and ever after";
}

TEST(ChildProcess, ASignalForAChildIsKeptInMind) {
  HeldSignals signals;
  const ChildEnd end =
      run_child({"sh", "-c", "trap 'exit 5' TERM; kill -TERM $PPID; while :; do sleep 0.05; done"},
                {.timeout_seconds = 60}, signals);
  EXPECT_EQ(end.code, 5) << "it was handed on";
  EXPECT_TRUE(signals.told_to_stop());
}

TEST(ChildProcess, AChildHoldsNoSignal) {
  HeldSignals signals;
  const ChildEnd end = run_child({"sh", "-c", "kill -TERM $$; sleep 60"}, {.timeout_seconds = 20}, signals);
  EXPECT_EQ(end.code, 128 + SIGTERM);
  EXPECT_FALSE(end.timed_out);
}

}  // namespace
}  // namespace caravan::recipes
