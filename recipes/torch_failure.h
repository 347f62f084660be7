// LibTorch's errors in the program's terms. In a file of its own, so that main needs no LibTorch header.
#pragma once

#include <exception>
#include <optional>

#include "recipes/commands/dispatch.h"

namespace caravan::recipes {

// The message without its backtrace, exit code 71 where memory ran out and 1 otherwise; nothing for errors
// that are not LibTorch's.
std::optional<Failure> torch_failure(const std::exception& error);

}  // namespace caravan::recipes
