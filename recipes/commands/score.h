// `caravan score`: rows of ids, text or conversations on stdin to log-probabilities of their tokens on
// stdout.
#pragma once

#include <iosfwd>
#include <span>
#include <string>

namespace caravan::recipes {

// One line out per row in, in order: {"log_probs": [null, ...], "sum"}, or {"error"} where that row cannot be
// scored. Returns 0, or 65 where some row was in error. Throws errors that concern all rows.
int run_score(std::span<const std::string> args, std::istream& in, std::ostream& out);

// The same over stdin and stdout.
int run_score(std::span<const std::string> args);

}  // namespace caravan::recipes
