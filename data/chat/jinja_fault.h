// What goes wrong inside a template, before it is known where: the interpreter adds template, line and
// column.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace caravan::data::jinja {

class Fault : public std::runtime_error {
 public:
  // `advice`: what the user can do about it; may be empty.
  explicit Fault(const std::string& message, std::string advice = {})
      : std::runtime_error(message), advice_(std::move(advice)) {}
  const std::string& advice() const noexcept { return advice_; }

 private:
  std::string advice_;
};

// A fault whose place in the template is known (byte offset).
class PlacedFault : public Fault {
 public:
  PlacedFault(std::size_t position, const std::string& message, std::string advice = {})
      : Fault(message, std::move(advice)), position_(position) {}
  std::size_t position() const noexcept { return position_; }

 private:
  std::size_t position_;
};

}  // namespace caravan::data::jinja
