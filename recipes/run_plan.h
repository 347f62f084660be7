// What a run will take and do, worked out from its recipe before any weight is loaded.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "recipes/recipe.h"
#include "trainer/memory_plan.h"
#include "trainer/traffic_plan.h"

namespace caravan::recipes {

struct PlanRequest {
  std::string config;              // of the model, instead of model.path's
  std::string scorer_config = {};  // of value model and reward model, instead of those of their paths
  std::int64_t ranks = 1;
  bool on_host = true;             // each rank computes on the CPU
  std::uint64_t memory_bytes = 0;  // of each rank; 0: as much as it takes
  bool reads_data = true;          // counts steps by the rows themselves
};

struct RunPlan {
  // The steps as the rows make them.
  struct Steps {
    std::int64_t steps = 0, documents = 0, tokens = 0,
                 trained_tokens = 0;  // of all steps; documents of one epoch
    double epochs = 0.0;
    std::int64_t micro_batches = 0;  // of the largest step looked at
  };
  struct Rate {
    std::int64_t step = 0;  // from 1
    double rate = 0.0;
  };
  std::int64_t parameters = 0, ranks = 1, shard = 0;
  trainer::MemoryInputs inputs;
  std::vector<trainer::MemoryPlan> moments;                        // of a step
  trainer::MemoryPlan memory;                                      // the largest of them
  std::vector<std::pair<std::string, std::uint64_t>> activations;  // bytes, by model.recompute
  trainer::TrafficPlan traffic;                                    // of a step
  std::int64_t micro_batches = 0;     // of a step, as the traffic was worked out for
  std::optional<Steps> data;          // where the rows were read
  std::optional<std::int64_t> steps;  // from the rows or run.max_steps
  std::vector<Rate> rates;            // where steps are known
};

// Reads config.json and, where asked, rows: tokens are kept where training looks for them. Throws the errors
// of the rooms, and trainer::Error (71) where memory_bytes is given and too little, with the smallest change
// that would fit.
RunPlan make_run_plan(const Recipe& recipe, const PlanRequest& request);

// For people, and as one JSON object.
std::string describe(const RunPlan& plan);
nlohmann::ordered_json to_json(const RunPlan& plan);

}  // namespace caravan::recipes
