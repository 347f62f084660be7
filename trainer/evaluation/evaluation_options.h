// The `evaluation` section of a recipe: loss on held-out rows while training.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "data/quantity.h"
#include "data/source_options.h"

namespace caravan::trainer {

// With sources, the loss is taken before the first and after the last step, and every `every` steps between.
struct EvaluationOptions {
  std::optional<data::Quantity> every = {};  // steps
  std::vector<data::SourceOptions> sources = {};
  std::optional<std::int64_t> max_rows = {};  // absent: all
  bool operator==(const EvaluationOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("every", every,
            {.help = "how often between start and end; absent: at start and end only",
             .units = "steps",
             .min = 0,
             .min_excluded = true,
             .free_at_resume = true});
    v.list("sources", sources,
           {.help = "held-out rows; tokenized as data.sources are", .free_at_resume = true});
    v.field("max_rows", max_rows,
            {.help = "at most this many rows, the first of the sources' order; absent: all",
             .units = "rows",
             .min = 1,
             .free_at_resume = true});
  }
};

}  // namespace caravan::trainer
