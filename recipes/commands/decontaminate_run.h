// The walk of `caravan data decontaminate`: search, decisions, report.
#pragma once

#include <optional>
#include <string>

#include "data/decontamination/eval_index.h"
#include "data/decontamination/measure.h"
#include "data/decontamination/review.h"
#include "data/decontamination/text_embedder.h"
#include "recipes/commands/data_run.h"

namespace caravan::recipes {

struct DecontaminateOptions {
  data::MeasureName measure = data::MeasureName::kWeighted;
  data::SearchScope scope = data::SearchScope::kAll;
  double remove_from = 0.90;
  double review_from = 0.60;
  std::string review_path;                       // of --apply-review
  const data::TextEmbedder* embedder = nullptr;  // of the measure embedding
};

// Runs the command to its end; returns the exit code.
int run_decontaminate(DataRun& run, const DataFlags& flags, const DecontaminateOptions& options,
                      const data::EvalIndex& index, const data::ReviewedRows& reviewed);

}  // namespace caravan::recipes
