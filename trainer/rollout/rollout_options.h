// The `rollout` section of a recipe: how many completions of how many prompts, and how they are sampled.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace caravan::trainer {

struct RolloutOptions {
  std::int64_t prompts = 16;
  std::int64_t completions = 4;
  std::int64_t max_new_tokens = 256;
  std::int64_t passes = 1;
  double temperature = 1.0;
  std::int64_t top_k = 0;
  double top_p = 1.0;
  double min_p = 0.0;
  std::vector<std::string> stop = {};
  bool dynamic_sampling = false;
  std::int64_t tries = 10;
  bool mask_truncated_completions = false;
  std::int64_t batch_size = 64;
  bool operator==(const RolloutOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("prompts", prompts, {.help = "prompts of a rollout, over all ranks", .min = 1, .max = 1 << 20});
    v.field("completions", completions,
            {.help = "completions of each prompt: the group its advantages compare", .min = 1, .max = 4096});
    v.field("max_new_tokens", max_new_tokens,
            {.help = "longest completion", .units = "tokens", .min = 1, .max = 1 << 20});
    v.field("passes", passes,
            {.help = "times a rollout is trained on; each pass makes prompts * completions / batch.sequences "
                     "steps",
             .min = 1,
             .max = 1000});
    v.field("temperature", temperature,
            {.help = "of sampling; log-probabilities in training are of the same temperature",
             .min = 0,
             .max = 100,
             .min_excluded = true});
    v.field("top_k", top_k, {.help = "only the k most likely tokens; 0: all", .min = 0});
    v.field(
        "top_p", top_p,
        {.help = "the fewest likely tokens that hold this share", .min = 0, .max = 1, .min_excluded = true});
    v.field("min_p", min_p,
            {.help = "only tokens at least this times as likely as the most likely", .min = 0, .max = 1});
    v.field("stop", stop, {.help = "texts that end a completion"});
    v.field("dynamic_sampling", dynamic_sampling,
            {.help = "groups whose rewards are all equal are replaced by those of further prompts (DAPO)"});
    v.field("tries", tries,
            {.help = "times that further prompts are drawn before the run gives up on rewards that differ",
             .min = 1,
             .max = 10000});
    v.field("mask_truncated_completions", mask_truncated_completions,
            {.help = "completions that max_new_tokens cut off give no gradient"});
    v.field("batch_size", batch_size,
            {.help = "completions that are generated together on a rank: memory and speed, not results",
             .min = 1,
             .max = 65536,
             .free_at_resume = true});
  }
};

}  // namespace caravan::trainer
