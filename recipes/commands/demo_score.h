// `caravan demo-score`: exact match on the held-out demo problems, before and after training, as a table with
// sample chats.
#pragma once

#include <span>
#include <string>

namespace caravan::recipes {

// 0, or 1 where --at-least was not reached. Throws data::Error: usage, data, input/output.
int run_demo_score(std::span<const std::string> args);

}  // namespace caravan::recipes
