// `caravan verify`: completions with their ground truth on stdin to verdicts on stdout.
#pragma once

#include <iosfwd>
#include <span>
#include <string>

namespace caravan::recipes {

// `args`: what follows the word. Reads JSON lines {"completion", "ground_truth"} from `in`, writes one line
// each to `out`, in order: {"verdict", "reason", "score"}, or {"error"} where the row is none. Returns 0, or
// 65 where some row was in error. Throws data::Error for what concerns all rows: bad options (usage), a
// stream that fails.
int run_verify(std::span<const std::string> args, std::istream& in, std::ostream& out);

// The same over stdin and stdout.
int run_verify(std::span<const std::string> args);

}  // namespace caravan::recipes
