// The ranks of this machine, from their start to the end of the last one.
#pragma once

#include <string>
#include <vector>

namespace caravan::recipes {

struct TeamOptions {
  int ranks_here = 1, first_rank = 0, num_ranks = 1;
  std::string master_host = "127.0.0.1";
  int master_port = 0;
  std::string launch_id;           // of this attempt
  std::vector<std::string> words;  // what each rank runs; the first is a path
};

struct TeamEnd {
  int code = 0;           // what the launcher ends with if this was the last attempt
  std::string cause;      // "rank 2 ended with code 74"; "" where all went well
  bool was_told = false;  // to stop, by a signal to the launcher
};

// Starts the ranks, shows what they write, hands on SIGTERM, SIGINT, SIGHUP and SIGUSR1, and returns when all
// have ended. Once one fails the others are told to end, and after 20 s made to. The code is that of the
// first rank that failed by itself; 76 where one was killed, or all of them only lost each other.
TeamEnd run_team(const TeamOptions& options);

// A port that is free now on the loopback. Throws data::Error (input/output).
int free_port();

}  // namespace caravan::recipes
