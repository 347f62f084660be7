// `caravan tokenize`: text or conversations on stdin to token ids on stdout, or ids to text; `--show` for
// eyes.
#pragma once

#include <iosfwd>
#include <span>
#include <string>

namespace caravan::recipes {

// `args`: what follows the word. Reads JSON lines from `in`, writes one line each to `out`: {"ids"}, with
// "mask" for conversations; {"text"} under --decode; {"error"} where that row cannot be done. `color`:
// --show may colour. Returns 0, or 65 where some row was in error. Throws data::Error for what concerns all
// rows: bad options (usage), a tokenizer or template that cannot be read.
int run_tokenize(std::span<const std::string> args, std::istream& in, std::ostream& out, bool color);

// The same over stdin and stdout; colours where stdout is a terminal and NO_COLOR is not set.
int run_tokenize(std::span<const std::string> args);

}  // namespace caravan::recipes
