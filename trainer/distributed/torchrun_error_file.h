// What a program that fails writes for torchrun, whose last words then name the cause instead of an exit
// code.
#pragma once

#include <chrono>
#include <string>

namespace caravan::trainer {

// The text of that file: the form that torch.distributed.elastic reads.
std::string torchrun_error_text(const std::string& message, std::chrono::system_clock::time_point when);

// Writes the file that TORCHELASTIC_ERROR_FILE names, whole or not at all; nothing where it is not set, or
// where it is there already: the first error counts. Never throws: the error itself is told elsewhere.
void write_torchrun_error(const std::string& message) noexcept;

}  // namespace caravan::trainer
