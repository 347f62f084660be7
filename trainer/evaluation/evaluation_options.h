// The `evaluation` section of a recipe: loss on held-out rows and tasks while training.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/quantity.h"
#include "data/source_options.h"

namespace caravan::trainer {

// The loss on sources and the tasks are taken before the first and after the last step, and every `every`
// steps between.
struct EvaluationOptions {
  std::optional<data::Quantity> every = {};  // steps
  std::vector<data::SourceOptions> sources = {};
  std::optional<std::int64_t> max_rows = {};  // absent: all
  std::vector<std::string> tasks = {};
  std::string task_data = {};
  std::optional<std::int64_t> max_items = {};  // absent: all
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
    v.field(
        "tasks", tasks,
        {.help = "tasks that the model is asked, of the development suite: names of built-in ones, or task "
                 "files; metrics are eval/TASK/METRIC",
         .path_or_name = true,
         .free_at_resume = true});
    v.field("task_data", task_data,
            {.help = "folder where the tasks' files lie; absent: the current one, for a task file its own",
             .path = true,
             .free_at_resume = true});
    v.field("max_items", max_items,
            {.help = "at most this many items of each file of a task, the first; absent: all",
             .min = 1,
             .free_at_resume = true});
  }
};

}  // namespace caravan::trainer
