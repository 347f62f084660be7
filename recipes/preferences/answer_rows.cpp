#include "recipes/preferences/answer_rows.h"

#include <algorithm>

#include "data/error.h"
#include "data/preferences/aspects.h"
#include "data/readers/row_layouts.h"
#include "data/rewards/answer_text.h"
#include "data/rewards/verifier_table.h"
#include "data/synthesis/made_text.h"
#include "data/synthesis/request_seed.h"
#include "data/synthesis/request_slices.h"

namespace caravan::recipes {
namespace {

using data::Error;
using data::Json;
using data::Message;

std::string text_of(const Json& row, const std::string& key) {
  const auto found = row.find(key);
  return found != row.end() && found->is_string() ? found->get<std::string>() : "";
}

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

std::string answer_problem(const Json& response, const PreferenceRecipe& recipe) {
  const std::string problem = text_of(response, "problem");
  if (!problem.empty()) return "failed:" + problem;
  if (!recipe.responses.keep_cut && response.value("cut", false)) return "cut";
  const std::string text = text_of(response, "text");
  if (text.empty()) return "empty";
  const auto characters = static_cast<std::int64_t>(count_characters(text));
  if (characters < recipe.pairs.min_characters) return "too_short";
  return recipe.pairs.max_characters && characters > *recipe.pairs.max_characters ? "too_long" : "";
}

PromptRows::PromptRows(const PreferenceRecipe& recipe, std::size_t num_rows) : recipe_(recipe) {
  if (!recipe.prompts.rows) return;
  const auto wanted = std::min(static_cast<std::uint64_t>(*recipe.prompts.rows), std::uint64_t{num_rows});
  uses_ = data::spread_uses(wanted, num_rows, recipe.run.seed, "prompts");
}

std::vector<StepResult> PromptRows::work(std::vector<StepRow>& rows) {
  std::vector<StepResult> results;
  for (StepRow& row : rows) results.push_back(read(row));
  return results;
}

StepResult PromptRows::read(StepRow& row) {
  if (!uses_.empty() && (row.number >= uses_.size() || uses_[row.number] == 0))
    return {.reasons = {"not_taken"}};
  // Turns up to the last one of the user; the answer that is left out may be the truth.
  std::vector<Message>& messages = row.messages;
  std::string last_answer;
  if (!messages.empty() && messages.back().role == "assistant")
    last_answer = std::move(messages.back().content);
  while (!messages.empty() && messages.back().role != "user") messages.pop_back();
  if (messages.empty() || messages.back().content.empty()) return {.reasons = {"no_prompt"}};
  Json made{{"id", row.id}, {"source", text_of(row.row, "source")}};
  for (const Message& message : messages)
    made["messages"].push_back({{"role", message.role}, {"content", message.content}});
  if (!known_.insert(data::Sha256().update(made["messages"].dump()).digest()).second)
    return {.reasons = {"duplicate_prompt"}};
  const auto truth = row.row.find(recipe_.prompts.truth_field);
  if (recipe_.prompts.truth == TruthFrom::kAnswer && !last_answer.empty())
    made["ground_truth"] = last_answer;
  else if (recipe_.prompts.truth == TruthFrom::kField && truth != row.row.end())
    made["ground_truth"] = *truth;
  if (!recipe_.verifier.reward_field.empty())
    made["reward"] = text_of(row.row, recipe_.verifier.reward_field);
  made["responses"] = Json::array();
  return {.made = {std::move(made)}};
}

std::vector<std::string> answering_models(const PreferenceRecipe& recipe) {
  std::vector<std::string> names;
  for (const ModelSource& model : recipe.models)
    if (model.name != recipe.judge.model) names.push_back(model.name);
  return names;
}

data::ResponsePool response_pool(const PreferenceRecipe& recipe) {
  const std::vector<std::string> names = answering_models(recipe);
  data::ResponsePool pool{.num_models = names.size(),
                          .per_prompt = static_cast<std::size_t>(recipe.responses.per_prompt),
                          .on_policy = {},
                          .on_policy_share = recipe.responses.on_policy_share.amount / 100.0,
                          .seed = recipe.run.seed};
  const auto found = std::ranges::find(names, recipe.responses.on_policy);
  if (found != names.end()) pool.on_policy = static_cast<std::size_t>(found - names.begin());
  return pool;
}

AskRows::AskRows(const PreferenceRecipe& recipe, const std::string& model, ModelPool& models)
    : recipe_(recipe), model_(model), pool_(response_pool(recipe)), models_(models) {
  const std::vector<std::string> names = answering_models(recipe);
  index_ = static_cast<std::size_t>(std::ranges::find(names, model) - names.begin());
}

std::vector<StepResult> AskRows::work(std::vector<StepRow>& rows) {
  struct Asked {
    std::size_t row, place, draw;
  };
  std::vector<Asked> asked;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::vector<data::PlannedResponse> plan = plan_responses(pool_, rows[i].id);
    for (std::size_t place = 0; place < plan.size(); ++place) {
      if (plan[place].model == index_) asked.push_back({i, place, plan[place].draw});
    }
  }
  const auto request_of = [&](std::size_t i) -> data::GenerationRequest {
    const StepRow& row = rows[asked[i].row];
    const std::string draw = std::to_string(asked[i].draw);
    return {.messages = row.messages,
            .max_tokens = recipe_.responses.max_tokens,
            .temperature = recipe_.responses.temperature,
            .top_p = recipe_.responses.top_p,
            .seed = data::request_seed(recipe_.run.seed, {"response", model_, row.id, draw})};
  };
  const auto take = [&](std::size_t i, const data::GenerationRequest&, const data::Generation& made) {
    Json response{{"model", model_}, {"draw", asked[i].draw}, {"place", asked[i].place}};
    if (made.problem.empty()) {
      response["text"] = data::without_space(made.text);
      response["cut"] = made.cut;
    } else {
      response["problem"] = made.problem;
    }
    rows[asked[i].row].row["responses"].push_back(std::move(response));
  };
  if (!asked.empty()) ask_in_slices(models_.get(model_), asked.size(), request_of, take);
  std::vector<StepResult> results;
  for (StepRow& row : rows) results.push_back({.made = {std::move(row.row)}});
  return results;
}

data::JudgeOptions judge_options(const PreferenceRecipe& recipe) {
  const JudgeSection& asked = recipe.judge;
  return {.aspects = data::judged_aspects(asked.aspects),
          .draw = {.max_tokens = asked.max_tokens, .temperature = asked.temperature},
          .attempts = asked.attempts,
          .seed = recipe.run.seed};
}

// The answers that can be used, in the order that the plan drew.
JudgeRows::Place JudgeRows::usable(StepRow& row, std::size_t index, data::JudgeInput& input) const {
  Json& responses = row.row["responses"];
  std::sort(responses.begin(), responses.end(),
            [](const Json& a, const Json& b) { return a.at("place").get<int>() < b.at("place").get<int>(); });
  Place place{index, {}};
  const auto truth = row.row.find("ground_truth");
  input = {row.id, row.messages, {}, data::truth_text(truth == row.row.end() ? Json() : *truth)};
  for (std::size_t k = 0; k < responses.size(); ++k) {
    if (!answer_problem(responses[k], recipe_).empty()) continue;
    place.responses.push_back(k);
    input.answers.push_back(responses[k]["text"].get<std::string>());
  }
  return place;
}

std::vector<StepResult> JudgeRows::work(std::vector<StepRow>& rows) {
  std::vector<StepResult> results(rows.size());
  std::vector<data::JudgeInput> inputs;
  std::vector<Place> places;
  // A judgement that cannot become a row is not paid for.
  const std::size_t fewest = recipe_.pairs.output == PreferenceOutput::kPairs ? 2 : 1;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    data::JudgeInput input;
    Place place = usable(rows[i], i, input);
    if (input.answers.size() < fewest) {
      results[i].reasons.push_back("too_few_responses");
      continue;
    }
    inputs.push_back(std::move(input));
    places.push_back(std::move(place));
  }
  const std::vector<data::Judged> judged = judge(options_, inputs, models_.get(recipe_.judge.model));
  for (std::size_t i = 0; i < judged.size(); ++i) {
    StepResult& result = results[places[i].row];
    if (!judged[i].reason.empty()) {
      result.reasons.push_back(judged[i].reason);
      continue;
    }
    add_scores(judged[i], places[i], rows[places[i].row].row["responses"]);
    result.made.push_back(std::move(rows[places[i].row].row));
  }
  return results;
}

void JudgeRows::add_scores(const data::Judged& judged, const Place& place, Json& responses) const {
  for (std::size_t k = 0; k < place.responses.size(); ++k) {
    Json& response = responses[place.responses[k]];
    for (std::size_t aspect = 0; aspect < options_.aspects.size(); ++aspect)
      response["ratings"][options_.aspects[aspect].name] = judged.ratings[k][aspect];
    response["score"] = data::mean_rating(judged.ratings[k]);
  }
}

VerifyRows::VerifyRows(const PreferenceRecipe& recipe) : recipe_(recipe) {
  options_.rules = static_cast<data::Rules>(recipe.verifier.rules);
  if (!recipe.verifier.reward.empty())
    verifiers_.emplace(recipe.verifier.reward, data::make_verifier(recipe.verifier.reward, options_));
}

const data::Verifier* VerifyRows::verifier(const Json& row) {
  const std::string name = recipe_.verifier.reward.empty() ? text_of(row, "reward") : recipe_.verifier.reward;
  const auto known = verifiers_.find(name);
  if (known != verifiers_.end()) return known->second.get();
  std::unique_ptr<data::Verifier> made;
  try {
    made = data::make_verifier(name, options_);
  } catch (const Error&) {
    // Rows name what they like: one without a verifier is dropped, and counted.
  }
  constexpr std::size_t kMaxNames = 1000;
  if (verifiers_.size() >= kMaxNames) return nullptr;
  return verifiers_.emplace(name, std::move(made)).first->second.get();
}

std::vector<StepResult> VerifyRows::work(std::vector<StepRow>& rows) {
  std::vector<StepResult> results;
  for (StepRow& row : rows) results.push_back(verify(row));
  return results;
}

StepResult VerifyRows::verify(StepRow& row) {
  const auto truth = row.row.find("ground_truth");
  if (truth == row.row.end()) return {.reasons = {"no_ground_truth"}};
  const data::Verifier* const judge = verifier(row.row);
  if (judge == nullptr) return {.reasons = {"no_verifier:" + data::shorten(text_of(row.row, "reward"))}};
  for (Json& response : row.row["responses"]) {
    if (!answer_problem(response, recipe_).empty()) continue;
    const data::Judgement judgement = judge->verify(text_of(response, "text"), *truth);
    response["verdict"] = name_of(judgement.verdict);
    if (judgement.verdict != data::Verdict::kUnknown) response["score"] = judgement.score;
  }
  return {.made = {std::move(row.row)}};
}

}  // namespace caravan::recipes
