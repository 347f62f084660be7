// `caravan generate`: prompts on stdin to completions on stdout.
#pragma once

#include <iosfwd>
#include <span>
#include <string>

namespace caravan::recipes {

// One line out per row in, in order: {"ids", "text", "log_probs", "finish_reason"}, or {"error"} where that
// row cannot be completed. Returns 0, or 65 where some row was in error. Throws errors that concern all rows.
int run_generate(std::span<const std::string> args, std::istream& in, std::ostream& out);

// The same over stdin and stdout.
int run_generate(std::span<const std::string> args);

}  // namespace caravan::recipes
