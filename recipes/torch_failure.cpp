#include "recipes/torch_failure.h"

#include <c10/util/Exception.h>

#include <string_view>

namespace caravan::recipes {

std::optional<Failure> torch_failure(const std::exception& error) {
  const auto* own = dynamic_cast<const c10::Error*>(&error);
  if (own == nullptr) return std::nullopt;
  const std::string message = own->what_without_backtrace();
  // The allocator of the CPU reports with the general class.
  const bool memory = dynamic_cast<const c10::OutOfMemoryError*>(own) != nullptr ||
                      std::string_view(message).find("not enough memory") != std::string_view::npos;
  return Failure{message, memory ? 71 : 1};
}

}  // namespace caravan::recipes
