#include "trainer/rollout/first_rank_scorer.h"

#include "data/error.h"
#include "data/message.h"

namespace caravan::trainer {

using data::Json;

FirstRankScorer::FirstRankScorer(ProcessGroup& group, std::unique_ptr<data::ModelScorer> scorer)
    : group_(group), scorer_(std::move(scorer)) {}

// What all ranks are to know: a list, or what went wrong.
std::string FirstRankScorer::ask(std::span<const data::ScoreRequest> requests) {
  try {
    Json list = Json::array();
    for (const data::ModelScore& one : scorer_->score(requests)) list.push_back({one.score, one.problem});
    return list.dump(-1, ' ', false, Json::error_handler_t::replace);
  } catch (const data::Error& error) {
    return Json{{"kind", error.exit_code()}, {"text", error.what()}}.dump(-1, ' ', false,
                                                                          Json::error_handler_t::replace);
  }
}

std::vector<data::ModelScore> FirstRankScorer::score(std::span<const data::ScoreRequest> requests) {
  const std::string own = group_.is_first() ? ask(requests) : "";
  const Json shared = Json::parse(group_.all_gather_text(own, "scores of completions")[0]);
  if (shared.is_object())
    throw BetweenSteps(static_cast<Error::Kind>(shared.at("kind").get<int>()),
                       shared.at("text").get<std::string>());
  std::vector<data::ModelScore> scores;
  for (const Json& one : shared) scores.push_back({one.at(0).get<double>(), one.at(1).get<std::string>()});
  return scores;
}

}  // namespace caravan::trainer
