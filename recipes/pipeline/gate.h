// Whether what a stage reached is enough to go on.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "recipes/pipeline/pipeline_recipe.h"

namespace caravan::recipes {

// By TASK/METRIC, and the one that speaks for a task by TASK alone.
using Scores = std::map<std::string, double>;

// Tasks that say nothing of the model, and why.
using FailedTasks = std::map<std::string, std::string>;

struct StageScores {
  Scores scores = {};  // none of a task that failed
  FailedTasks failed = {};
};

// `results.json` of caravan evaluate, or `scores.json` of a command. Throws data::Error: a file that cannot
// be read, or holds something else than finite numbers by name; null is a score that there is none of.
StageScores read_stage_scores(const std::string& path);

// "previous - 0.01" in its parts.
struct Comparison {
  std::string stage = {};  // "previous", or a name
  double forgiven = 0.0;   // below 0: so much more is asked for
};
// Throws data::Error (usage) with what is allowed.
Comparison parse_comparison(const std::string& text);

struct GateVerdict {
  bool passed = true;
  std::vector<std::string> reasons = {};  // a sentence for each score that was looked at
};

// `earlier`: scores of the stage that not_worse_than names; a task that only one of the two has is not
// compared, and where none is, it does not pass. Nor does a score that `min` names and `scores` lack, nor one
// of `earlier` whose task has failed.
GateVerdict judge(const GateOptions& gate, const Scores& scores, const Scores& earlier,
                  const FailedTasks& failed = {});

}  // namespace caravan::recipes
