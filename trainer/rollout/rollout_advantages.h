// Completions of a rollout, and what each of their tokens is to learn from the rewards.
#pragma once

#include <cstdint>
#include <vector>

#include "trainer/objectives/policy_loss_options.h"

namespace caravan::trainer {

// One completion; the vectors have a number for each of its tokens.
struct Trajectory {
  std::uint32_t prompt = 0;  // index in the prompt set
  std::int64_t place = 0;    // of the prompt in the sequence of prompts
  std::int64_t sample = 0;   // which of the prompt's completions
  std::vector<std::int32_t> ids = {};
  double reward = 0.0;  // NaN: nobody could say
  bool is_truncated = false;
  std::vector<float> sampling_log_probs = {}, old_log_probs = {};
  std::vector<float> reference_log_probs = {};       // where there is a reference
  std::vector<float> old_values = {}, returns = {};  // where there is a value model
  std::vector<float> advantages = {};
};

// Fills `advantages` (and with gae `returns`). Groups are `group_size` neighbours. A completion that nobody
// could judge gets 0 and counts in no mean.
void set_advantages(std::vector<Trajectory>& trajectories, std::int64_t group_size,
                    const PolicySettings& settings);

// For each group, whether its known rewards differ.
std::vector<bool> groups_that_vary(const std::vector<Trajectory>& trajectories, std::int64_t group_size);

}  // namespace caravan::trainer
