#include "recipes/torch_failure.h"

#include <c10/util/Exception.h>

#include <string>
#include <string_view>

namespace caravan::recipes {

std::optional<Failure> torch_failure(const std::exception& error) {
  const auto* own = dynamic_cast<const c10::Error*>(&error);
  if (own == nullptr) {
    // oneDNN's own error, whose class LibTorch does not export, says no more where memory for its code or its
    // working space runs out.
    if (std::string_view(error.what()).starts_with("could not create a primitive"))
      return Failure{std::string("out of memory, most likely: oneDNN ") + error.what() +
                         "; free memory, raise ulimit -v, or lower batch.micro_tokens",
                     71};
    return std::nullopt;
  }
  const std::string message = own->what_without_backtrace();
  // The allocator of the CPU reports with the general class, and where in LibTorch it stood.
  const bool cpu_memory = message.find("not enough memory") != std::string::npos ||
                          message.find("can't allocate memory") != std::string::npos;
  if (!cpu_memory && dynamic_cast<const c10::OutOfMemoryError*>(own) == nullptr) return Failure{message, 1};
  const std::size_t amount = message.find("you tried to allocate ");
  if (!cpu_memory || amount == std::string::npos) return Failure{message, 71};
  const std::string_view rest = std::string_view(message).substr(amount + 22);
  return Failure{
      "out of memory: " + std::string(rest.substr(0, rest.find(' '))) +
          " bytes more were not to be had; free memory, raise ulimit -v, or lower batch.micro_tokens",
      71};
}

}  // namespace caravan::recipes
