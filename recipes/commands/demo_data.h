// `caravan demo-data --out DIR`: chat data of our own, its tokenizer and a small model's config, to train
// from nothing.
#pragma once

#include <span>
#include <string>

namespace caravan::recipes {

// Writes the files and says on stdout what they are. Throws data::Error: usage, input/output.
int run_demo_data(std::span<const std::string> args);

}  // namespace caravan::recipes
