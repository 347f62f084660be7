// SIGTERM, SIGINT and SIGUSR1 as a wish the loop can read: finish the step, save, leave with code 75.
#pragma once

namespace caravan::trainer {

// Installs the handlers for its lifetime; at most one at a time. A second SIGINT ends the process at once,
// for a person who means it.
class StopRequest {
 public:
  StopRequest();
  ~StopRequest();
  StopRequest(const StopRequest&) = delete;
  StopRequest& operator=(const StopRequest&) = delete;

  static bool requested();
  // "SIGTERM", or "" where none came.
  static const char* signal_name();
};

}  // namespace caravan::trainer
