// What this program is built from.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace caravan::recipes {

// Name -> version, what matters most first: caravan, commit (absent where it was not built from a git
// checkout; "+changes" after it where files differed from it), libtorch, compiler, and the kernels chosen on
// this machine.
std::vector<std::pair<std::string, std::string>> program_versions();
// The libraries that text, data and recipes go through.
std::vector<std::pair<std::string, std::string>> library_versions();

// Both, for the run card.
std::map<std::string, std::string> linked_versions();

}  // namespace caravan::recipes
