// Loaded before the C library: the wall clock jumps a day ahead and an hour back, turn by turn, every half
// second. Clocks that only count go on as they are.
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

extern "C" int clock_gettime(clockid_t clock, timespec* out) noexcept {
  const auto code = static_cast<int>(syscall(SYS_clock_gettime, clock, out));
  if (clock == CLOCK_REALTIME && code == 0) {
    timespec steady{};
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &steady);
    const bool ahead = (steady.tv_sec * 2 + steady.tv_nsec / 500000000) % 2 == 0;
    out->tv_sec += ahead ? 86400 : -3600;
  }
  return code;
}

// The two older ways to ask.
extern "C" time_t time(time_t* out) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

extern "C" int gettimeofday(timeval* out, void*) noexcept {
  timespec now{};
  const int code = clock_gettime(CLOCK_REALTIME, &now);
  *out = {now.tv_sec, now.tv_nsec / 1000};
  return code;
}
