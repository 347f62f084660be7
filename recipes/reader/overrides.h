// key=value words of the command line.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "recipes/reader/problem.h"
#include "recipes/reader/yaml_tree.h"

namespace caravan::recipes {

// One entry per override, in order. A value that starts with [ { " or ' is YAML; any other is taken letter by
// letter, so that a path with a # or a colon stays whole; an empty one, ~ and null switch the key off. Words
// that are no key=value become problems.
std::vector<YamlNode::Entry> parse_overrides(std::span<const std::string> overrides,
                                             std::vector<Problem>& problems);

}  // namespace caravan::recipes
