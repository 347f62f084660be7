// The way from `caravan` to `caravan_engine`.
//
// Loading LibTorch takes a third of a second, most of it before main. So the program that people type links
// none of it and answers help, validate, describe and the text commands at once; commands with tensors live
// in a second program beside it, which takes this one's place: same process, same terminal, same exit code.
#pragma once

#include <span>
#include <string>

namespace caravan::recipes {

// Replaces this process by caravan_engine, of the folder that this program lies in, with `args` (the command
// word first). Throws data::Error (74) where that cannot be started.
[[noreturn]] void become_engine(std::span<const std::string> args);

}  // namespace caravan::recipes
