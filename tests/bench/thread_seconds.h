// Processor time for benchmarks of one thread.
#pragma once

#include <time.h>

namespace caravan::tests {

// Of this thread: on a shared machine the clock on the wall measures the others.
double seconds_of(const auto& work) {
  const auto now = [] {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  };
  const double start = now();
  work();
  return now() - start;
}

}  // namespace caravan::tests
