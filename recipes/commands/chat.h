// `caravan chat`: a person talks to a model.
#pragma once

#include <iosfwd>
#include <span>
#include <string>

namespace caravan::recipes {

// Each line of `in` is a turn of the user; answers go to `out` as their tokens come. `interactive`: a
// terminal, which gets prompts and no control characters of the model's. Returns 0 at the end of the input,
// 65 where a turn did not fit the model. Throws errors that concern all turns: no chat template, a checkpoint
// that cannot be read.
int run_chat(std::span<const std::string> args, std::istream& in, std::ostream& out, bool interactive);

// The same over stdin and stdout.
int run_chat(std::span<const std::string> args);

}  // namespace caravan::recipes
