#include "trainer/rollout/reward_scorer.h"

#include "data/rewards/verifier_table.h"
#include "losses/advantages.h"

namespace caravan::trainer {

using data::Json;

RewardScorer::RewardScorer(const RewardOptions& options, const data::PromptSet& prompts,
                           std::int64_t max_new_tokens, std::vector<WeightedScorer> scorers)
    : options_(options), max_new_tokens_(max_new_tokens), scorers_(std::move(scorers)) {
  for (std::size_t i = 0; i < prompts.size(); ++i)
    for (const data::RewardTruth& truth : prompts[i].truths) verifier(truth.verifier);
  for (const RewardTermOptions& term : options_.further)
    further_.push_back({term.verifier, &verifier(term.verifier), term.weight,
                        term.ground_truth.empty() ? Json() : Json(term.ground_truth)});
}

const data::Verifier& RewardScorer::verifier(const std::string& name) {
  auto& made = verifiers_[name];
  if (!made) made = data::make_verifier(name, {.rules = options_.rules});
  return *made;
}

void RewardScorer::score(const data::Prompt& prompt, Json& row) const {
  const std::string& completion = row.at("completion").get_ref<const std::string&>();
  double reward = 0.0;
  bool known = true;
  Json verdicts = Json::array();
  const auto add = [&](const std::string& name, const data::Verifier& verifier, double weight,
                       const Json& truth) {
    const data::Judgement judgement = verifier.verify(completion, truth);
    known = known && judgement.verdict != data::Verdict::kUnknown;
    reward += weight * judgement.score;
    verdicts.push_back({{"verifier", name},
                        {"verdict", std::string(name_of(judgement.verdict))},
                        {"reason", judgement.reason},
                        {"score", judgement.score}});
  };
  for (const data::RewardTruth& truth : prompt.truths)
    add(truth.verifier, *verifiers_.at(truth.verifier), options_.verification_reward, truth.ground_truth);
  for (const Term& term : further_) add(term.name, *term.verifier, term.weight, term.truth);
  row["verdicts"] = std::move(verdicts);
  if (options_.overlong_cache > 0)
    reward +=
        options_.verification_reward * losses::overlong_penalty(row.at("tokens").get<std::int64_t>(),
                                                                max_new_tokens_, options_.overlong_cache);
  if (options_.non_stop_penalty_value && row.at("finish_reason") != "stop") {
    reward = *options_.non_stop_penalty_value;
    known = true;
  }
  row["reward"] = known ? Json(reward) : Json();
}

bool RewardScorer::wants_scores(const Json& row) const {
  const bool is_settled = options_.non_stop_penalty_value && row.at("finish_reason") != "stop";
  return !scorers_.empty() && !is_settled && !row.contains("scores") && !row.at("reward").is_null();
}

std::vector<Json> RewardScorer::score_together(const std::vector<const Json*>& rows,
                                               const std::vector<data::ScoreRequest>& requests) const {
  std::vector<Json> added;
  for (const Json* row : rows) added.push_back({{"scores", Json::array()}, {"reward", row->at("reward")}});
  for (const WeightedScorer& one : scorers_) {
    const std::vector<data::ModelScore> scores = one.scorer->score(requests);
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const bool known = scores[i].problem.empty();
      added[i]["scores"].push_back({{"scorer", one.name},
                                    {"score", known ? Json(scores[i].score) : Json()},
                                    {"reason", scores[i].problem}});
      Json& reward = added[i]["reward"];
      if (!known)
        reward = nullptr;
      else if (!reward.is_null())
        reward = reward.get<double>() + one.weight * scores[i].score;
    }
  }
  return added;
}

}  // namespace caravan::trainer
