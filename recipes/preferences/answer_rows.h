// The rows between the steps of a preference recipe: a prompt and its answers.
//
//   {"id","source","messages":[...],"ground_truth","reward","responses":[{"model","draw","place","text","cut","problem",
//    "ratings":{ASPECT: 1..5},"verdict","score"}]}
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "data/preferences/judge.h"
#include "data/preferences/response_plan.h"
#include "data/rewards/verifier.h"
#include "recipes/preferences/preference_recipe.h"
#include "recipes/synthesis/generation_step.h"
#include "recipes/synthesis/model_pool.h"

namespace caravan::recipes {

// Rows of any layout to prompts, each prompt once. Reasons: not_taken, no_prompt, duplicate_prompt.
class PromptRows {
 public:
  // `num_rows` decides which are drawn; without prompts.rows it does not matter.
  PromptRows(const PreferenceRecipe& recipe, std::size_t num_rows);
  std::vector<StepResult> work(std::vector<StepRow>& rows);

 private:
  StepResult read(StepRow& row);

  const PreferenceRecipe& recipe_;
  std::vector<std::uint32_t> uses_;  // empty: all
  std::set<data::Sha256::Digest> known_;
};

// Adds the answers of one model. Rows that the plan does not give to it stay as they are.
class AskRows {
 public:
  AskRows(const PreferenceRecipe& recipe, const std::string& model, ModelPool& models);
  std::vector<StepResult> work(std::vector<StepRow>& rows);

 private:
  const PreferenceRecipe& recipe_;
  std::string model_;
  std::size_t index_ = 0;
  data::ResponsePool pool_;
  ModelPool& models_;
};

// Who answers: all models but the judge. `on_policy` is an index into them.
std::vector<std::string> answering_models(const PreferenceRecipe& recipe);
data::ResponsePool response_pool(const PreferenceRecipe& recipe);

// Aspects that the recipe does not switch off, with their templates. Throws data::Error: files, places.
data::JudgeOptions judge_options(const PreferenceRecipe& recipe);

// Adds ratings and scores to the answers that can be used. Reasons: too_few_responses, judge:ASPECT:WHY.
class JudgeRows {
 public:
  JudgeRows(const PreferenceRecipe& recipe, data::JudgeOptions options, ModelPool& models)
      : recipe_(recipe), options_(std::move(options)), models_(models) {}
  std::vector<StepResult> work(std::vector<StepRow>& rows);

 private:
  struct Place {
    std::size_t row = 0;
    std::vector<std::size_t> responses;  // those that are judged
  };
  Place usable(StepRow& row, std::size_t index, data::JudgeInput& input) const;
  void add_scores(const data::Judged& judged, const Place& place, data::Json& responses) const;

  const PreferenceRecipe& recipe_;
  data::JudgeOptions options_;
  ModelPool& models_;
};

// Adds verdicts and scores. Reasons: no_ground_truth, no_verifier:NAME.
class VerifyRows {
 public:
  explicit VerifyRows(const PreferenceRecipe& recipe);
  std::vector<StepResult> work(std::vector<StepRow>& rows);

 private:
  StepResult verify(StepRow& row);
  const data::Verifier* verifier(const data::Json& row);

  const PreferenceRecipe& recipe_;
  data::VerifierOptions options_;
  std::map<std::string, std::unique_ptr<data::Verifier>> verifiers_;  // null: there is none of that name
};

// Why an answer cannot be used; empty where it can: failed:WHY, cut, empty, too_short, too_long.
std::string answer_problem(const data::Json& response, const PreferenceRecipe& recipe);

}  // namespace caravan::recipes
