// The `batch` section of a recipe: how much data one optimizer step sees, and how much of it at once.
#pragma once

#include <cstdint>
#include <optional>

namespace caravan::data {

// Exactly one of `tokens` and `sequences` is set; micro_tokens is always set once the recipe is read.
struct BatchOptions {
  std::optional<std::int64_t> tokens = {};  // a step takes whole documents while their tokens fit this budget
  std::optional<std::int64_t> sequences = {};  // a step takes exactly this many documents
  std::int64_t micro_tokens = 0;               // most tokens in one forward pass; 0: the reader fills it in
  bool operator==(const BatchOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("tokens", tokens,
            {.help = "most tokens in an optimizer step, over all ranks; this or sequences",
             .units = "tokens",
             .min = 1});
    v.field("sequences", sequences,
            {.help = "conversations in an optimizer step, over all ranks; this or tokens",
             .units = "sequences",
             .min = 1});
    v.field("micro_tokens", micro_tokens,
            {.help = "most tokens in one forward pass: memory, not results; absent: data.max_length, or "
                     "tokens where that is less",
             .units = "tokens",
             .min = 1,
             .max = 1 << 24,
             .computed = true,
             .free_at_resume = true});
  }
};

}  // namespace caravan::data
