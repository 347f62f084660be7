#include "recipes/launch/rank_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "data/error.h"

namespace caravan::recipes {

namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw data::Error(data::Error::Kind::kInputOutput,
                    "launch: " + what + ": " + std::strerror(errno) + "; see ulimit -u and ulimit -n");
}

void write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    // A reader that is gone ends no run.
    if (written < 0 && errno != EINTR) return;
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
}

// In the child, between fork and exec: only what is allowed there.
[[noreturn]] void become(const std::vector<char*>& words, const std::vector<char*>& environment, int out,
                         int error, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // it ended before the line above
  setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  const int nothing = open("/dev/null", O_RDONLY);
  if (nothing >= 0) dup2(nothing, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(error, STDERR_FILENO);
  execve(words[0], words.data(), environment.data());
  _exit(127);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

}  // namespace

RankProcess::RankProcess(int rank, const std::vector<std::string>& words,
                         const std::map<std::string, std::string>& variables, const std::string& prefix)
    : rank_(rank), lines_{LinePrefix(prefix), LinePrefix(prefix)} {
  std::vector<std::string> words_copy = words, entries;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!variables.contains(text.substr(0, text.find('=')))) entries.push_back(text);
  }
  for (const auto& [name, value] : variables) entries.push_back(name + "=" + value);
  const std::vector<char*> argv = pointers(words_copy), environment = pointers(entries);
  int out[2], error[2];
  if (pipe2(out, O_CLOEXEC) != 0) refuse("no pipe");
  if (pipe2(error, O_CLOEXEC) != 0) refuse("no pipe");
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) refuse("rank " + std::to_string(rank) + " could not be started");
  if (pid_ == 0) become(argv, environment, out[1], error[1], parent);
  setpgid(pid_, pid_);
  close(out[1]);
  close(error[1]);
  pipes_[0] = out[0];
  pipes_[1] = error[0];
  for (const int end : pipes_) fcntl(end, F_SETFL, O_NONBLOCK);
}

RankProcess::~RankProcess() {
  if (!status_) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  for (const int end : pipes_)
    if (end >= 0) close(end);
}

void RankProcess::pass_on(int index) {
  const int to = index == 0 ? STDOUT_FILENO : STDERR_FILENO;
  char bytes[16384];
  while (pipes_[index] >= 0) {
    const ssize_t count = read(pipes_[index], bytes, sizeof bytes);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
      write_all(to, lines_[index].finish());
      close(pipes_[index]);
      pipes_[index] = -1;
      return;
    }
    write_all(to, lines_[index].add({bytes, static_cast<std::size_t>(count)}));
  }
}

void RankProcess::signal(int number) const {
  if (!status_) kill(pid_, number);
}

bool RankProcess::poll_end() {
  int status = 0;
  if (!status_ && waitpid(pid_, &status, WNOHANG) == pid_)
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return has_ended();
}

}  // namespace caravan::recipes
