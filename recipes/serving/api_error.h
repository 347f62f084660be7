// What a request is refused with: an HTTP status and a sentence, as the OpenAI API writes them.
#pragma once

#include <stdexcept>
#include <string>

namespace caravan::recipes {

class ApiError : public std::runtime_error {
 public:
  ApiError(int status, const std::string& message) : std::runtime_error(message), status_(status) {}
  int status() const noexcept { return status_; }

 private:
  int status_;
};

}  // namespace caravan::recipes
