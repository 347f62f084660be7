// One program run to its end, on our own terminal.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace caravan::recipes {

struct ChildOptions {
  std::map<std::string, std::string> variables = {};  // added to the environment
  std::optional<std::int64_t> timeout_seconds = {};
};

struct ChildEnd {
  int code = 0;            // exit code, 128 + signal as a shell has it
  bool timed_out = false;  // and was ended for it
};

// Starts words[0], looked for in PATH where it has no slash, in a process group of its own, and waits.
// SIGTERM, SIGINT, SIGHUP and SIGUSR1 that reach this process are handed on to that group; what is left of it
// after the timeout is told to end, and after ten seconds made to. A child does not outlive us. Throws
// data::Error (usage) where there is no such program, (input/output) where the system refuses.
ChildEnd run_child(const std::vector<std::string>& words, const ChildOptions& options);

}  // namespace caravan::recipes
