// The notations of SLURM's variables.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace caravan::trainer {

// "node[01-03,7],gpu-a[1-2]x" is node01 node02 node03 node7 gpu-a1x gpu-a2x. Throws Error (usage) where it
// is not well formed or names more than 100,000 hosts.
std::vector<std::string> parse_host_list(const std::string& text);

// "2(x3),1" is 2 2 2 1: tasks of each node. The same limits.
std::vector<std::int64_t> parse_tasks_per_node(const std::string& text);

}  // namespace caravan::trainer
