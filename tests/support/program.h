// The real program as a child process: start it, wait for it, kill it.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace caravan::tests {

class Program {
 public:
  // Runs `arguments` (the first is the path) with stdout and stderr in `log`, in `folder` where one is named.
  Program(const std::vector<std::string>& arguments, const std::string& log, const std::string& folder = "")
      : log_(log) {
    // Empty before the child starts: who waits for a word in it must not find that of another program.
    const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    pid_ = fork();
    if (pid_ != 0) close(out);
    if (pid_ < 0) throw std::runtime_error("fork failed");
    if (pid_ > 0) return;
    if (!folder.empty() && chdir(folder.c_str()) != 0) _exit(127);
    dup2(out, 1);
    dup2(out, 2);
    std::vector<char*> words;
    for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    execv(words[0], words.data());
    _exit(127);
  }
  ~Program() {
    if (!reaped_) {
      kill(pid_, SIGKILL);
      wait();
    }
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void signal(int number) const { kill(pid_, number); }
  // The exit code, or minus the signal that ended it.
  int wait() {
    if (!reaped_) {
      waitpid(pid_, &status_, 0);
      reaped_ = true;
    }
    return WIFEXITED(status_) ? WEXITSTATUS(status_) : -WTERMSIG(status_);
  }
  // Looks every half millisecond until `condition` holds; false where the program ended before.
  bool wait_until(const std::function<bool()>& condition) {
    while (!condition()) {
      if (waitpid(pid_, &status_, WNOHANG) == pid_) {
        reaped_ = true;
        return false;
      }
      std::this_thread::sleep_for(std::chrono::microseconds(500));
    }
    return true;
  }
  std::string output() const {
    std::ifstream in(log_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  std::string log_;
  pid_t pid_ = -1;
  int status_ = 0;
  bool reaped_ = false;
};

}  // namespace caravan::tests
