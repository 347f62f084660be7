// The field's usual names (Hugging Face Trainer, TRL, open-instruct, axolotl, LLaMA-Factory) and which key of
// ours each one is, so that their settings can be pasted at the top of a recipe. Each is said aloud; what we
// cannot honour exactly is a problem.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "recipes/reader/assignment.h"
#include "recipes/reader/problem.h"
#include "recipes/reader/yaml_tree.h"

namespace caravan::recipes {

bool is_alias(std::string_view name);

// Our key for `name`, or empty: "lr_scheduler_type" is "schedule.name". Some aliases have none, as what they
// ask for always holds.
std::string_view key_of_alias(std::string_view name);

// Every alias of our key, in the order of the table.
std::vector<std::string_view> aliases_of_key(std::string_view key);

// Our assignments for the entries that are aliases; the others are passed over. A note for each mapping.
std::vector<Assignment> map_aliases(std::span<const YamlNode::Entry> entries, std::vector<std::string>& notes,
                                    std::vector<Problem>& problems);

}  // namespace caravan::recipes
