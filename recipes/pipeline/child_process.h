// One program run to its end, on our own terminal.
#pragma once

#include <signal.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace caravan::recipes {

// While it lives SIGTERM, SIGINT, SIGHUP and SIGUSR1 wait until they are asked for, so that none is lost, and
// none ends this process between two of its children. One at a time, in a process of one thread.
class HeldSignals {
 public:
  HeldSignals();
  ~HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

  // Whether one of them has come, to a child too.
  bool told_to_stop();
  // The next one, or SIGCHLD; 0 after a tenth of a second without.
  int next();
  const sigset_t& before() const { return before_; }  // what a child is to hold

 private:
  int take(long nanoseconds);

  sigset_t held_{}, before_{};
  bool told_ = false;
};

struct ChildOptions {
  std::map<std::string, std::string> variables = {};  // added to the environment
  std::optional<std::int64_t> timeout_seconds = {};
};

struct ChildEnd {
  int code = 0;            // exit code, 128 + signal as a shell has it
  bool timed_out = false;  // and was ended for it
};

// Starts words[0], looked for in PATH where it has no slash, in a process group of its own, and waits.
// What `signals` holds is handed on to that group, and a second SIGINT ends it at once; what is left of it
// after the timeout is told to end, and after ten seconds made to. A child does not outlive us, and Ctrl-Z
// stops neither. Throws data::Error (usage) where there is no such program, (input/output) where the system
// refuses.
ChildEnd run_child(const std::vector<std::string>& words, const ChildOptions& options, HeldSignals& signals);

}  // namespace caravan::recipes
