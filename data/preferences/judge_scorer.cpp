#include "data/preferences/judge_scorer.h"

#include "data/preferences/aspects.h"

namespace caravan::data {

JudgeScorer::JudgeScorer(JudgeOptions options, TextGenerator& generator)
    : options_(std::move(options)), generator_(generator) {}

std::vector<ModelScore> JudgeScorer::score(std::span<const ScoreRequest> requests) {
  std::vector<JudgeInput> inputs;
  for (const ScoreRequest& request : requests)
    inputs.push_back({"", request.prompt, {request.completion}, request.ground_truth});
  const std::vector<Judged> judged = judge(options_, inputs, generator_);
  std::vector<ModelScore> scores(requests.size());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    scores[i].problem = judged[i].reason;
    if (judged[i].reason.empty())
      scores[i].score =
          (mean_rating(judged[i].ratings[0]) - kLowestRating) / (kHighestRating - kLowestRating);
  }
  return scores;
}

}  // namespace caravan::data
