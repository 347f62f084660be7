// Sharded parameters where they are, for a Generator: gathered unit by unit for each pass, the next one while
// one computes, and let go behind it. No copy of the weights, nothing to synchronise after a step.
//
//   ShardAccess access(shards);
//   Generator generator(model, {.units = &access, .anyone = [&](bool busy) { return access.anyone(busy); }});
//
// All ranks call run() of their generators at once, each with its own prompts. A rank whose prompts are done
// stands by in the passes of the others.
#pragma once

#include "models/unit_access.h"
#include "trainer/distributed/unit_shards.h"

namespace caravan::trainer {

class ShardAccess final : public models::UnitAccess {
 public:
  explicit ShardAccess(UnitShards& shards) : shards_(shards) {}

  void begin(std::size_t unit, std::size_t next) override {
    shards_.need_values(unit);
    if (next != unit) shards_.prefetch_values(next);
  }
  void end(std::size_t unit) override { shards_.release_values(unit); }

  // Whether any rank is busy. Collective.
  bool anyone(bool busy) {
    double most = busy ? 1.0 : 0.0;
    shards_.group().all_reduce({&most, 1}, Reduce::kMax, "work left in generation");
    return most > 0.0;
  }

 private:
  UnitShards& shards_;
};

}  // namespace caravan::trainer
