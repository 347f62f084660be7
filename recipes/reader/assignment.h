// A value on its way to its key: what an alias or an override becomes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "recipes/reader/yaml_tree.h"

namespace caravan::recipes {

struct Assignment {
  std::string key;  // "optimizer.learning_rate", "data.sources.0.take"
  Where where;      // of the key, as the user wrote it
  YamlNode value;
};

// The node at a dotted key, or null.
YamlNode* find_node(YamlNode& root, std::string_view key);

// Puts the value at its key, with maps and lists made on the way; the index behind a list's last adds an
// element. Returns what is wrong, or nothing: a way through a text, or an index further beyond a list.
std::string assign(YamlNode& root, const Assignment& assignment);

// Takes the key out of the tree, every time it is there.
void remove_key(YamlNode& root, std::string_view key);

}  // namespace caravan::recipes
