#include "recipes/preferences/score_rows.h"

#include "data/error.h"
#include "data/synthesis/answerer.h"
#include "recipes/preferences/answer_rows.h"

namespace caravan::recipes {

using data::Json;

ScoreRows::ScoreRows(const PreferenceRecipe& recipe, MakeRewardModel make) : recipe_(recipe) {
  if (make == nullptr)
    throw data::Error(data::Error::Kind::kInternal, "reward_model needs the program that computes");
  scorer_ = make(recipe.reward_model);
}

std::vector<StepResult> ScoreRows::work(std::vector<StepRow>& rows) {
  std::vector<data::ScoreRequest> requests;
  std::vector<Json*> asked;
  for (StepRow& row : rows)
    for (Json& response : row.row["responses"]) {
      if (!answer_problem(response, recipe_).empty()) continue;
      requests.push_back({data::messages_of(row.row), response.at("text").get<std::string>()});
      asked.push_back(&response);
    }
  const std::vector<data::ModelScore> scores = scorer_->score(requests);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (scores[i].problem.empty())
      (*asked[i])["score"] = scores[i].score;
    else
      (*asked[i])["problem"] = scores[i].problem;
  }
  std::vector<StepResult> results;
  for (StepRow& row : rows) results.push_back({.made = {std::move(row.row)}});
  return results;
}

}  // namespace caravan::recipes
