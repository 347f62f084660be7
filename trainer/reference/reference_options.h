// The `reference` section of a recipe: the frozen model that losses on preferences compare with.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace caravan::trainer {

// cached: its log-probabilities are computed once, before training, and kept in files; live: a second copy
// stays in memory and is asked in each step.
enum class ReferenceMode { kCached, kLive };
constexpr std::array<std::string_view, 2> choice_names(ReferenceMode) {
  return {"cached", "live"};
}

struct ReferenceOptions {
  ReferenceMode mode = ReferenceMode::kCached;
  std::string path = {};       // empty: the weights that training starts from
  std::string cache_dir = {};  // empty: where the tokens are kept
  bool operator==(const ReferenceOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("mode", mode,
            {.help = "cached: log-probabilities of all rows are computed once, kept in files, and the "
                     "reference leaves memory; live: a second copy stays in memory and is asked in each "
                     "step; the losses are the same"});
    v.field("path", path,
            {.help = "checkpoint folder of the frozen model, of the same architecture and tokenizer; absent: "
                     "the weights that training starts from",
             .path = true});
    v.field("cache_dir", cache_dir,
            {.help = "where log-probabilities are kept between runs; absent: data.cache_dir, or data/cache "
                     "in run.dir",
             .output_path = true,
             .free_at_resume = true});
  }
};

// Of a stage that samples: a copy stays in memory and is asked once about each completion.
struct PolicyReferenceOptions {
  std::string path = {};  // empty: the weights that training starts from
  std::optional<std::int64_t> sync_steps = {};
  std::optional<double> mixup_alpha = {};
  bool operator==(const PolicyReferenceOptions&) const = default;

  double alpha() const { return mixup_alpha.value_or(0.6); }
  // After this step the reference takes over a part of the policy.
  bool syncs_after(std::int64_t step) const { return sync_steps && step % *sync_steps == 0; }

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("path", path,
            {.help = "checkpoint folder of the frozen model, of the same architecture and tokenizer; absent: "
                     "the weights that training starts from",
             .path = true});
    v.field("sync_steps", sync_steps,
            {.help = "after every so many steps the reference becomes (1 - mixup_alpha) * reference + "
                     "mixup_alpha * policy, which the next rollout is compared with; absent: it stays",
             .min = 1,
             .max = 1 << 30});
    v.field("mixup_alpha", mixup_alpha,
            {.help = "share of the policy in it; 1: the policy itself; absent: 0.6",
             .min = 0,
             .max = 1,
             .min_excluded = true});
  }
};

}  // namespace caravan::trainer
