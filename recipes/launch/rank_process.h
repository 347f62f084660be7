// One rank as a child process: its words, variables, output and end.
//
// Promise: it does not outlive this process, however that ends, and it is in a process group of its own, so
// that a key on the terminal reaches it once, through us. Not thread safe: start all from the main thread,
// for the kernel ends a child with the thread that made it.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "recipes/launch/line_prefix.h"

namespace caravan::recipes {

class RankProcess {
 public:
  // Starts `words` (the first is a path) with these variables added to the environment. Throws data::Error
  // (input/output) where the system refuses.
  RankProcess(int rank, const std::vector<std::string>& words,
              const std::map<std::string, std::string>& variables, const std::string& prefix);
  ~RankProcess();
  RankProcess(const RankProcess&) = delete;
  RankProcess& operator=(const RankProcess&) = delete;

  int rank() const { return rank_; }
  // Ends of the pipes to wait on; -1 once closed. Index 0 is stdout, 1 is stderr.
  int pipe(int index) const { return pipes_[index]; }
  // Reads what is there and writes its complete lines to our stdout or stderr.
  void pass_on(int index);
  void signal(int number) const;
  // Whether it ended; asks without waiting.
  bool poll_end();
  bool has_ended() const { return status_.has_value(); }
  // The exit code, or minus the signal.
  int status() const { return *status_; }

 private:
  int rank_;
  pid_t pid_ = -1;
  int pipes_[2] = {-1, -1};
  LinePrefix lines_[2];
  std::optional<int> status_;
};

}  // namespace caravan::recipes
