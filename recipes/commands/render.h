// `caravan render`: conversations on stdin to rendered text and the bytes to train on, on stdout.
#pragma once

#include <iosfwd>
#include <span>
#include <string>

namespace caravan::recipes {

// `args`: what follows the word. Reads JSON lines from `in`, writes one JSON line each to `out`: {"text",
// "spans"}, or
// {"error"} where that row cannot be rendered. Returns 0; throws data::Error for what concerns all rows: bad
// options (usage), a template that cannot be read or parsed.
int run_render(std::span<const std::string> args, std::istream& in, std::ostream& out);

// The same over stdin and stdout.
int run_render(std::span<const std::string> args);

}  // namespace caravan::recipes
