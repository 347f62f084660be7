// SIGTERM, SIGINT, SIGUSR1 and SIGHUP as a wish the loop can read: finish the step, save, leave with code 75.
#pragma once

namespace caravan::trainer {

// Installs the handlers for its lifetime; at most one at a time. A second SIGINT ends the process at once
// (130), for a person who means it.
class StopRequest {
 public:
  // `tells`: the first signal is answered on stderr at once, for the step may take minutes.
  explicit StopRequest(bool tells = false);
  ~StopRequest();
  StopRequest(const StopRequest&) = delete;
  StopRequest& operator=(const StopRequest&) = delete;

  static bool requested();
  // "SIGTERM", or "" where none came.
  static const char* signal_name();
};

// While one lives, nothing would be lost: a signal ends the process at once (75), whatever it is doing.
class StopAtOnce {
 public:
  // Throws Error (stopped) where a stop was requested before.
  StopAtOnce();
  ~StopAtOnce();
  StopAtOnce(const StopAtOnce&) = delete;
  StopAtOnce& operator=(const StopAtOnce&) = delete;
};

}  // namespace caravan::trainer
