// `caravan render`: conversations on stdin to rendered text and the bytes to train on, on stdout.
#pragma once

#include <iosfwd>
#include <span>
#include <string>

namespace caravan::recipes {

// `args`: what follows the word. Reads JSON lines from `in`, writes one JSON line each to `out`: {"text",
// "spans"}, with "left_out" where the template does not write all of the row, or {"error"}. Returns 0, or 65
// where some row was in error; throws data::Error for what concerns all rows: bad options (usage), a template
// that cannot be read or parsed.
int run_render(std::span<const std::string> args, std::istream& in, std::ostream& out);

// The same over stdin and stdout.
int run_render(std::span<const std::string> args);

}  // namespace caravan::recipes
