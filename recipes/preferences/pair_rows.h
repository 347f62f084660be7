// Scored answers to the rows of the output, and what the report says of the models.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "recipes/preferences/preference_recipe.h"
#include "recipes/synthesis/generation_step.h"

namespace caravan::recipes {

// Reasons: too_few_responses, tie, below_margin, identical, length_ratio, below_min_score. Answers that were
// left out, and why, are counted by model in the report.
class PairRows {
 public:
  explicit PairRows(const PreferenceRecipe& recipe) : recipe_(recipe) {}
  std::vector<StepResult> work(std::vector<StepRow>& rows);

  // {"models":[{"model","responses","scored","mean_score","chosen","rejected","ratings":{ASPECT: mean},
  // "left_out":{WHY: n}}]}
  data::Json report() const;
  // The same for people.
  std::string table() const;

 private:
  struct Tally {
    std::uint64_t responses = 0, scored = 0, chosen = 0, rejected = 0;
    double score = 0.0;
    std::map<std::string, double> ratings = {};
    std::map<std::string, std::uint64_t> left_out = {};
  };
  void count(const data::Json& response);
  StepResult choose(const StepRow& row);
  void add_pairs(const StepRow& row, const std::vector<const data::Json*>& scored, StepResult& result);
  void add_best(const StepRow& row, const std::vector<const data::Json*>& scored, StepResult& result);
  std::string pair_problem(const data::Json& chosen, const data::Json& rejected) const;
  data::Json told(const data::Json& response) const;

  const PreferenceRecipe& recipe_;
  std::map<std::string, Tally> tallies_;
};

}  // namespace caravan::recipes
