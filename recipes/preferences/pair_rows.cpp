#include "recipes/preferences/pair_rows.h"

#include <algorithm>
#include <cstdio>

#include "data/choice_name.h"
#include "data/preferences/pair_rules.h"
#include "data/synthesis/request_seed.h"
#include "data/text_table.h"
#include "recipes/preferences/answer_rows.h"

namespace caravan::recipes {
namespace {

using data::Json;

Json with_answer(const Json& messages, const Json& response) {
  Json all = messages;
  all.push_back({{"role", "assistant"}, {"content", response.at("text")}});
  return all;
}

double score_of(const Json& response) {
  return response.at("score").get<double>();
}

void add_reason(std::vector<std::string>& reasons, const std::string& reason) {
  if (std::ranges::find(reasons, reason) == reasons.end()) reasons.push_back(reason);
}

std::string two_places(double number) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f", number);
  return text;
}

}  // namespace

std::vector<StepResult> PairRows::work(std::vector<StepRow>& rows) {
  std::vector<StepResult> results;
  for (const StepRow& row : rows) results.push_back(choose(row));
  return results;
}

void PairRows::count(const Json& response) {
  Tally& tally = tallies_[response.at("model").get<std::string>()];
  ++tally.responses;
  const std::string problem = answer_problem(response, recipe_);
  if (!problem.empty()) ++tally.left_out[problem];
  if (!response.contains("score")) {
    if (problem.empty()) ++tally.left_out["unknown"];
    return;
  }
  ++tally.scored;
  tally.score += score_of(response);
  if (!response.contains("ratings")) return;
  for (const auto& [aspect, rating] : response["ratings"].items())
    tally.ratings[aspect] += rating.get<double>();
}

StepResult PairRows::choose(const StepRow& row) {
  StepResult result;
  std::vector<const Json*> scored;
  for (const Json& response : row.row.at("responses")) {
    count(response);
    if (response.contains("score")) scored.push_back(&response);
  }
  // By the place that the plan drew, whichever model was asked first.
  std::ranges::sort(scored, {}, [](const Json* response) { return response->at("place").get<int>(); });
  if (recipe_.pairs.output == PreferenceOutput::kBest)
    add_best(row, scored, result);
  else
    add_pairs(row, scored, result);
  return result;
}

std::string PairRows::pair_problem(const Json& chosen, const Json& rejected) const {
  const PairOptions& asked = recipe_.pairs;
  const auto& a = chosen.at("text").get_ref<const std::string&>();
  const auto& b = rejected.at("text").get_ref<const std::string&>();
  if (a == b) return "identical";
  if (asked.min_score && score_of(chosen) < *asked.min_score) return "below_min_score";
  const auto longer = static_cast<double>(std::max(a.size(), b.size())),
             shorter = static_cast<double>(std::min(a.size(), b.size()));
  return asked.max_length_ratio && longer > *asked.max_length_ratio * shorter ? "length_ratio" : "";
}

Json PairRows::told(const Json& response) const {
  Json text{{"model", response.at("model")}, {"score", response.at("score")}};
  for (const char* key : {"ratings", "verdict"})
    if (response.contains(key)) text[key] = response[key];
  return text;
}

void PairRows::add_pairs(const StepRow& row, const std::vector<const Json*>& scored, StepResult& result) {
  const PairOptions& asked = recipe_.pairs;
  std::vector<double> scores;
  for (const Json* response : scored) scores.push_back(score_of(*response));
  const std::uint64_t seed = data::request_seed(recipe_.run.seed, {"pairs", row.id});
  // All candidates in a drawn order: one that fails a check makes room for the next.
  const data::PairChoice choice = choose_pairs(scores, asked.rule, asked.margin, seed);
  if (choice.pairs.empty()) add_reason(result.reasons, choice.reason);
  for (const data::PairChoice::Pair& pair : choice.pairs) {
    if (static_cast<std::int64_t>(result.made.size()) == asked.per_prompt) break;
    const Json& chosen = *scored[pair.chosen];
    const Json& rejected = *scored[pair.rejected];
    const std::string problem = pair_problem(chosen, rejected);
    if (!problem.empty()) {
      add_reason(result.reasons, problem);
      continue;
    }
    ++tallies_[chosen.at("model").get<std::string>()].chosen;
    ++tallies_[rejected.at("model").get<std::string>()].rejected;
    const Json& messages = row.row.at("messages");
    result.made.push_back({{"id", row.id + ".pair" + std::to_string(result.made.size())},
                           {"source", row.row.at("source")},
                           {"chosen", with_answer(messages, chosen)},
                           {"rejected", with_answer(messages, rejected)},
                           {"preference",
                            {{"prompt_id", row.id},
                             {"rule", data::choice_name(asked.rule)},
                             {"scorer", data::choice_name(asked.scorer)},
                             {"judge", recipe_.judge.model},
                             {"margin", score_of(chosen) - score_of(rejected)},
                             {"chosen", told(chosen)},
                             {"rejected", told(rejected)}}}});
  }
  if (!result.made.empty()) result.reasons.clear();
}

void PairRows::add_best(const StepRow& row, const std::vector<const Json*>& scored, StepResult& result) {
  if (scored.empty()) {
    result.reasons.push_back("too_few_responses");
    return;
  }
  const Json* best = nullptr;
  // Of equals the first in a drawn order.
  for (const std::size_t i :
       data::shuffled_order(scored.size(), data::request_seed(recipe_.run.seed, {"best", row.id})))
    if (best == nullptr || score_of(*scored[i]) > score_of(*best)) best = scored[i];
  if (recipe_.pairs.min_score && score_of(*best) < *recipe_.pairs.min_score) {
    result.reasons.push_back("below_min_score");
    return;
  }
  ++tallies_[best->at("model").get<std::string>()].chosen;
  Json made{{"id", row.id + ".best"},
            {"source", row.row.at("source")},
            {"messages", with_answer(row.row.at("messages"), *best)},
            {"preference",
             {{"prompt_id", row.id},
              {"scorer", data::choice_name(recipe_.pairs.scorer)},
              {"of", scored.size()},
              {"best", told(*best)}}}};
  if (row.row.contains("ground_truth")) made["ground_truth"] = row.row["ground_truth"];
  result.made.push_back(std::move(made));
}

Json PairRows::report() const {
  Json models = Json::array();
  for (const auto& [name, tally] : tallies_) {
    const auto scored = static_cast<double>(std::max<std::uint64_t>(tally.scored, 1));
    Json line{{"model", name},          {"responses", tally.responses},
              {"scored", tally.scored}, {"mean_score", tally.score / scored},
              {"chosen", tally.chosen}, {"rejected", tally.rejected}};
    for (const auto& [aspect, sum] : tally.ratings) line["ratings"][aspect] = sum / scored;
    for (const auto& [why, times] : tally.left_out) line["left_out"][why] = times;
    models.push_back(std::move(line));
  }
  return {{"models", models}};
}

std::string PairRows::table() const {
  std::vector<data::TableLine> table{{"model", "answers", "scored", "mean score", "chosen", "rejected"}};
  for (const auto& [name, tally] : tallies_) {
    const auto scored = static_cast<double>(std::max<std::uint64_t>(tally.scored, 1));
    table.push_back({name, data::grouped(tally.responses), data::grouped(tally.scored),
                     two_places(tally.score / scored), data::grouped(tally.chosen),
                     data::grouped(tally.rejected)});
  }
  return data::print_table(table);
}

}  // namespace caravan::recipes
