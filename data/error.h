// What data code throws: bad input that a user can act on. The text says, in this order: where (file:line,
// row, key), what was found, what is allowed, what to do.
#pragma once

#include <stdexcept>
#include <string>

namespace caravan::data {

class Error : public std::runtime_error {
 public:
  // The exit code the program ends with when nobody catches it.
  // kInternal is a defect of ours that a check found.
  enum class Kind {
    kUsage = 2,
    kData = 65,
    kInternal = 70,
    kInputOutput = 74,
    kInterrupted = 75,
    kUnsafe = 77
  };

  Error(Kind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  Kind kind() const noexcept { return kind_; }
  int exit_code() const noexcept { return static_cast<int>(kind_); }

 private:
  Kind kind_;
};

}  // namespace caravan::data
