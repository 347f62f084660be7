// How many threads a rank computes with.
#pragma once

#include <string>

#include "trainer/distributed/rank_place.h"

namespace caravan::trainer {

struct ThreadChoice {
  int count = 1;
  std::string reason;  // one line for the log
};

// Its share of the cores, unless the user set OMP_NUM_THREADS. torchrun sets that to 1 by itself where it is
// not set, which is no wish of anybody: run.threads says 1 where 1 is meant.
ThreadChoice threads_of_rank(int cores, const RankPlace& place, const Environment& environment);

}  // namespace caravan::trainer
