// What this program is built from.
#pragma once

#include <map>
#include <string>

namespace caravan::recipes {

// Library -> version: caravan, libtorch, compiler, yaml-cpp, ... and the kernels chosen on this machine.
std::map<std::string, std::string> linked_versions();

}  // namespace caravan::recipes
