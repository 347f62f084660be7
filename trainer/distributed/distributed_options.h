// The `distributed` section of a recipe: what each rank holds.
#pragma once

#include <cstdint>

namespace caravan::trainer {

struct DistributedOptions {
  std::int64_t shard = 0;  // 0 replicate, 1 optimizer, 2 + gradients, 3 + parameters
  bool operator==(const DistributedOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("shard", shard,
            {.help = "what is split over ranks: 0 nothing, 1 optimizer, 2 and gradients, 3 and parameters; "
                     "only 0 is built yet",
             .min = 0,
             .max = 3,
             .free_at_resume = true});
  }
};

}  // namespace caravan::trainer
