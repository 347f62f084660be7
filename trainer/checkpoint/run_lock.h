// One process a run directory: a lock that the kernel drops when its owner dies, however it dies.
#pragma once

#include <filesystem>

namespace caravan::trainer {

class RunLock {
 public:
  // Throws Error (unsafe) where another process holds the directory, naming it; Error (input/output) where
  // the lock cannot be made.
  explicit RunLock(const std::filesystem::path& directory);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace caravan::trainer
