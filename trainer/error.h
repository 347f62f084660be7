// What the trainer throws: a run that cannot go on. The text says, in this order: where (step, file, tensor),
// what was found, what is allowed, what to do.
#pragma once

#include <stdexcept>
#include <string>

namespace caravan::trainer {

class Error : public std::runtime_error {
 public:
  // The exit code the program ends with when nobody catches it.
  enum class Kind {
    kUsage = 2,           // options that cannot be honoured
    kData = 65,           // input that cannot be used
    kInternalCheck = 70,  // a check of our own failed, or the numbers diverged
    kOutOfMemory = 71,
    kInputOutput = 74,  // a file could not be read or written, disk full included
    kStopped = 75,      // stopped on request; the run can be resumed
    kPeerLost = 76,     // another rank died or did not answer in time
    kUnsafe = 77,       // refused: going on could destroy something
  };

  Error(Kind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  Kind kind() const noexcept { return kind_; }
  int exit_code() const noexcept { return static_cast<int>(kind_); }

 private:
  Kind kind_;
};

}  // namespace caravan::trainer
