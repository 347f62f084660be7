#include "trainer/stop_request.h"

#include <unistd.h>
#include <csignal>

#include <array>
#include <cerrno>
#include <string_view>

#include "trainer/error.h"

namespace caravan::trainer {

namespace {

volatile std::sig_atomic_t g_signal = 0, g_tells = 0, g_at_once = 0;
constexpr std::array kSignals{SIGTERM, SIGINT, SIGUSR1, SIGHUP};
std::array<struct sigaction, kSignals.size()> g_before;

// As a signal handler may: no allocation, no lock, no stream.
void tell(std::string_view text) {
  const int before = errno;
  if (g_tells != 0) (void)!write(STDERR_FILENO, text.data(), text.size());
  errno = before;
}

extern "C" void note_signal(int signal) {
  if (g_at_once != 0) {
    tell("\nstopped before the first step; nothing is lost\n");
    _exit(75);
  }
  if (signal == SIGINT && g_signal == SIGINT) _exit(130);
  if (g_signal == 0)
    tell("\nstopping: this step is finished and saved first; Ctrl-C again ends at once, without saving\n");
  g_signal = signal;
}

}  // namespace

StopRequest::StopRequest(bool tells) {
  g_signal = 0;
  g_tells = tells ? 1 : 0;
  struct sigaction action = {};
  action.sa_handler = note_signal;
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    sigaction(kSignals[i], &action, &g_before[i]);
    // Under nohup the end of the terminal is no wish.
    if (kSignals[i] == SIGHUP && g_before[i].sa_handler == SIG_IGN) sigaction(SIGHUP, &g_before[i], nullptr);
  }
}

StopRequest::~StopRequest() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &g_before[i], nullptr);
}

bool StopRequest::requested() {
  return g_signal != 0;
}

const char* StopRequest::signal_name() {
  switch (g_signal) {
    case SIGTERM:
      return "SIGTERM";
    case SIGINT:
      return "SIGINT";
    case SIGUSR1:
      return "SIGUSR1";
    case SIGHUP:
      return "SIGHUP";
    default:
      return "";
  }
}

StopAtOnce::StopAtOnce() {
  g_at_once = 1;
  if (StopRequest::requested()) {
    g_at_once = 0;
    throw Error(Error::Kind::kStopped, "stopped before the first step; nothing is lost");
  }
}

StopAtOnce::~StopAtOnce() {
  g_at_once = 0;
}

}  // namespace caravan::trainer
