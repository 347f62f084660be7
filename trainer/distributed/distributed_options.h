// The `distributed` section of a recipe: what each rank holds, and how long ranks wait for each other.
#pragma once

#include <cstdint>

namespace caravan::trainer {

struct DistributedOptions {
  std::int64_t shard = 0;           // 0 replicate, 1 optimizer, 2 + gradients, 3 + parameters
  std::int64_t timeout = 30;        // seconds
  std::int64_t join_timeout = 300;  // seconds
  bool operator==(const DistributedOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("shard", shard,
            {.help = "what is split over ranks: 0 nothing, 1 optimizer, 2 and gradients, 3 and parameters; "
                     "no result depends on it",
             .min = 0,
             .max = 3,
             .free_at_resume = true});
    v.field(
        "timeout", timeout,
        {.help = "how long a rank may show no progress while others wait for it, before all end with code "
                 "76; it names the rank, the call and the step",
         .units = "seconds",
         .min = 1,
         .max = 86400,
         .free_at_resume = true});
    v.field("join_timeout", join_timeout,
            {.help = "how long the ranks that are there wait at the start for those that are not",
             .units = "seconds",
             .min = 1,
             .max = 86400,
             .free_at_resume = true});
  }
};

}  // namespace caravan::trainer
