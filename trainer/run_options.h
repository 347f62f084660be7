// The `run` section of a recipe: how long, where to, how often to save, what to do about an earlier attempt.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "data/quantity.h"

namespace caravan::trainer {

// auto: go on from the newest complete checkpoint of the same recipe where there is one; never: refuse a
// directory with a run in it; required: refuse to start from nothing.
enum class Resume { kAuto, kNever, kRequired };
constexpr std::array<std::string_view, 3> choice_names(Resume) {
  return {"auto", "never", "required"};
}

// auto: the first CUDA device where there is one, else the CPU; a run that goes on stays where it was.
enum class DeviceChoice { kAuto, kCpu, kCuda };
constexpr std::array<std::string_view, 3> choice_names(DeviceChoice) {
  return {"auto", "cpu", "cuda"};
}

// Exactly one of `epochs` and `max_steps` is set.
struct RunOptions {
  std::string dir = {};  // absolute once the recipe is read
  std::optional<std::int64_t> epochs = {};
  std::optional<std::int64_t> max_steps = {};
  std::uint64_t seed = 42;
  std::optional<data::Quantity>
      checkpoint_every;   // steps or minutes; absent: only when the run ends or is stopped
  std::int64_t keep = 2;  // newest checkpoints kept; 0: all
  Resume resume = Resume::kAuto;
  DeviceChoice device = DeviceChoice::kAuto;
  std::int64_t threads = 0;  // compute threads; 0: every core
  bool deterministic = true;
  bool trace = false;          // times of the first steps, for chrome://tracing
  std::int64_t log_every = 1;  // steps between lines on the console; metrics.jsonl has every step
  bool operator==(const RunOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("dir", dir,
            {.help = "run folder: resolved recipe, metrics, checkpoints, final model",
             .required = true,
             .output_path = true,
             .free_at_resume = true});
    v.field("epochs", epochs,
            {.help = "passes over the data; this or max_steps", .units = "epochs", .min = 1, .max = 100000});
    v.field("max_steps", max_steps,
            {.help = "optimizer steps, over as many epochs as they take; this or epochs",
             .units = "steps",
             .min = 1});
    v.field("seed", seed, {.help = "seed of data order, random weights and noise"});
    v.field("checkpoint_every", checkpoint_every,
            {.help = "how often to save; absent: only when the run ends or is stopped",
             .units = "steps minutes",
             .min = 0,
             .min_excluded = true,
             .free_at_resume = true});
    v.field("keep", keep, {.help = "newest checkpoints kept; 0: all", .min = 0, .free_at_resume = true});
    v.field("resume", resume,
            {.help = "auto: go on where a complete checkpoint of the same recipe is; never: refuse a used "
                     "folder; required: refuse an unused one",
             .free_at_resume = true});
    v.field("device", device,
            {.help = "where to compute; auto: the first CUDA device where there is one, else the CPU; a run "
                     "that goes on stays where it was",
             .free_at_resume = true});
    v.field("threads", threads,
            {.help = "compute threads; 0: every core", .min = 0, .max = 4096, .free_at_resume = true});
    v.field(
        "deterministic", deterministic,
        {.help =
             "gradients are summed over micro-batches and ranks in one fixed order, so that any number of "
             "ranks "
             "gives the same bits; false saves a buffer of two layers and a pass over the gradients for each "
             "micro-batch"});
    v.field("trace", trace,
            {.help = "writes when each layer and each call to other ranks ran in the first 10 steps of a "
                     "launch: trace_rank_*.json in dir, for chrome://tracing or Perfetto",
             .free_at_resume = true});
    v.field("log_every", log_every,
            {.help = "steps between lines on the console; metrics.jsonl has every step",
             .units = "steps",
             .min = 1,
             .free_at_resume = true});
  }
};

}  // namespace caravan::trainer
