#include "recipes/pipeline/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "data/error.h"

namespace caravan::recipes {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::array kHandedOn{SIGTERM, SIGINT, SIGHUP, SIGUSR1};
constexpr auto kGrace = std::chrono::seconds(10);

// In the child, between fork and exec: only what is allowed there. Its failure goes through the pipe.
[[noreturn]] void become(const std::vector<char*>& words, const sigset_t& signals, int failure,
                         pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(127);
  setpgid(0, 0);
  // A stage may read from the terminal, and shows its progress there.
  if (tcgetpgrp(STDIN_FILENO) == getpgid(parent)) {
    ::signal(SIGTTOU, SIG_IGN);
    tcsetpgrp(STDIN_FILENO, getpid());
    ::signal(SIGTTOU, SIG_DFL);
  }
  // Ctrl-Z would stop the child's group alone, and the shell would not come back: we wait for a child that
  // waits. A stage does not stand being stopped anyway: other ranks would give it up.
  ::signal(SIGTSTP, SIG_IGN);
  sigprocmask(SIG_SETMASK, &signals, nullptr);
  execvp(words[0], words.data());
  const int error = errno;
  (void)!write(failure, &error, sizeof error);
  _exit(127);
}

// From a child that had it; in the background it is someone else's.
void take_terminal_back(pid_t child) {
  if (tcgetpgrp(STDIN_FILENO) != child) return;
  const auto before = ::signal(SIGTTOU, SIG_IGN);
  tcsetpgrp(STDIN_FILENO, getpgrp());
  ::signal(SIGTTOU, before);
}

// Waits until the child ended; hands signals on, and ends it after the timeout.
ChildEnd watch(pid_t child, HeldSignals& signals, const ChildOptions& options) {
  ChildEnd end;
  std::optional<Clock::time_point> told, last;
  int interrupts = 0;
  if (options.timeout_seconds) last = Clock::now() + std::chrono::seconds(*options.timeout_seconds);
  while (true) {
    const int number = signals.next();
    if (number != 0 && number != SIGCHLD) kill(-child, number);
    // Ctrl-C once more: whoever asks means now, whatever the child makes of it.
    if (number == SIGINT && ++interrupts > 1) kill(-child, SIGKILL);
    int status = 0;
    if (waitpid(child, &status, WNOHANG) == child) {
      end.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      // What it left behind in its group is nobody's.
      kill(-child, SIGKILL);
      return end;
    }
    const auto now = Clock::now();
    if (last && !told && now >= *last) {
      end.timed_out = true;
      told = now;
      kill(-child, SIGTERM);
    }
    if (told && now >= *told + kGrace) kill(-child, SIGKILL);
  }
}

}  // namespace

HeldSignals::HeldSignals() {
  sigemptyset(&held_);
  for (const int number : kHandedOn) sigaddset(&held_, number);
  sigaddset(&held_, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &held_, &before_);
}

HeldSignals::~HeldSignals() {
  // What came after the last question ends nobody.
  told_to_stop();
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

int HeldSignals::take(long nanoseconds) {
  const timespec patience{.tv_sec = 0, .tv_nsec = nanoseconds};
  const int number = sigtimedwait(&held_, nullptr, &patience);
  if (number > 0 && number != SIGCHLD) told_ = true;
  return std::max(number, 0);
}

int HeldSignals::next() {
  return take(100'000'000);
}

bool HeldSignals::told_to_stop() {
  while (take(0) != 0) {
  }
  return told_;
}

ChildEnd run_child(const std::vector<std::string>& words, const ChildOptions& options, HeldSignals& signals) {
  for (const auto& [name, value] : options.variables) setenv(name.c_str(), value.c_str(), 1);
  std::vector<std::string> texts = words;
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  int failure[2];
  if (pipe2(failure, O_CLOEXEC) != 0)
    throw data::Error(data::Error::Kind::kInputOutput, std::string("pipe: ") + std::strerror(errno));
  const pid_t parent = getpid(), child = fork();
  if (child == 0) become(pointers, signals.before(), failure[1], parent);
  const int fork_error = errno;
  close(failure[1]);
  int error = 0;
  const bool failed = child > 0 && read(failure[0], &error, sizeof error) == sizeof error;
  close(failure[0]);
  if (child < 0)
    throw data::Error(data::Error::Kind::kInputOutput, words[0] + ": no process could be made: " +
                                                           std::strerror(fork_error) + "; see ulimit -u");
  if (failed) {
    waitpid(child, nullptr, 0);
    throw data::Error(data::Error::Kind::kUsage,
                      words[0] + ": " + std::strerror(error) + "; name a program that can be run");
  }
  const ChildEnd end = watch(child, signals, options);
  take_terminal_back(child);
  return end;
}

}  // namespace caravan::recipes
