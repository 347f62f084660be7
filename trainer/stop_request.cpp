#include "trainer/stop_request.h"

#include <unistd.h>
#include <csignal>

#include <array>

namespace caravan::trainer {

namespace {

volatile std::sig_atomic_t g_signal = 0;
constexpr std::array kSignals{SIGTERM, SIGINT, SIGUSR1};
std::array<struct sigaction, kSignals.size()> g_before;

extern "C" void note_signal(int signal) {
  if (signal == SIGINT && g_signal == SIGINT) _exit(130);
  g_signal = signal;
}

}  // namespace

StopRequest::StopRequest() {
  g_signal = 0;
  struct sigaction action = {};
  action.sa_handler = note_signal;
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &action, &g_before[i]);
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
    default:
      return "";
  }
}

}  // namespace caravan::trainer
