#include "trainer/rollout/rollout_figures.h"

#include <cmath>
#include <cstdio>
#include <map>

namespace caravan::trainer {
namespace {

using data::Json;

constexpr std::int64_t kFewWords = 3;

std::int64_t num_words(const std::string& text) {
  std::int64_t words = 0;
  bool in_word = false;
  for (const char c : text) {
    const bool blank = c == ' ' || (c >= '\t' && c <= '\r');
    words += !blank && !in_word ? 1 : 0;
    in_word = !blank;
  }
  return words;
}

bool is_right(const Json& row) {
  return !row["verdicts"].empty() && row["verdicts"][0]["verdict"] == "right";
}

void add_verdicts(const std::vector<Json>& rows, RolloutFigures& figures) {
  std::map<std::string, std::pair<double, double>> right;
  for (const Json& row : rows)
    for (const Json& verdict : row["verdicts"]) {
      auto& [sum, count] = right[verdict["verifier"].get<std::string>()];
      sum += verdict["verdict"] == "right" ? 1.0 : 0.0;
      count += 1.0;
    }
  if (right.size() < 2) return;
  for (const auto& [name, share] : right)
    figures.by_verifier.push_back({"rollout/right/" + name, share.first / share.second});
}

void add_scores(const std::vector<Json>& rows, RolloutFigures& figures) {
  struct Scores {
    double sum = 0, known = 0, asked = 0;
  };
  std::map<std::string, Scores> scores;
  for (const Json& row : rows) {
    if (!row.contains("scores")) continue;
    for (const Json& score : row["scores"]) {
      Scores& all = scores[score["scorer"].get<std::string>()];
      all.asked += 1.0;
      if (score["score"].is_null()) continue;
      all.known += 1.0;
      all.sum += score["score"].get<double>();
    }
  }
  for (const auto& [name, all] : scores) {
    if (all.known > 0) figures.by_scorer.push_back({"rollout/score/" + name, all.sum / all.known});
    figures.by_scorer.push_back({"rollout/no_score/" + name, 1.0 - all.known / all.asked});
  }
}

void add_duplicates(const std::vector<Json>& rows, std::int64_t group_size, RolloutFigures& figures) {
  for (std::size_t begin = 0; begin < rows.size(); begin += static_cast<std::size_t>(group_size)) {
    const std::size_t end = std::min(rows.size(), begin + static_cast<std::size_t>(group_size));
    std::map<std::string, double> seen;
    for (std::size_t i = begin; i < end; ++i) seen[rows[i]["completion"].get<std::string>()] += 1.0;
    for (const auto& [text, count] : seen) figures.duplicates += count - 1.0;
  }
}

struct Drift {
  double RolloutFigures::*member;
  double most;  // how far the share may rise above that of the first rollout
  const char* what;
};
constexpr Drift kDrifts[] = {
    {&RolloutFigures::duplicates, 0.3, "completions of a prompt that repeat each other"},
    {&RolloutFigures::answer_only, 0.3, "right completions of three words or less"},
    {&RolloutFigures::truncated, 0.3, "completions that rollout.max_new_tokens cut off"},
    {&RolloutFigures::unknown, 0.2, "completions that could not be judged"},
};

bool has_drifted(const Drift& drift, const RolloutFigures& first, const RolloutFigures& now) {
  return now.*drift.member > first.*drift.member + drift.most;
}

// 1: far longer, -1: far shorter.
int length_drift(const RolloutFigures& first, const RolloutFigures& now) {
  if (now.tokens > 2.0 * first.tokens) return 1;
  return now.tokens < 0.5 * first.tokens ? -1 : 0;
}

struct Named {
  const char* name;
  double RolloutFigures::*member;
};
constexpr Named kNames[] = {
    {"reward", &RolloutFigures::reward},         {"reward_spread", &RolloutFigures::reward_spread},
    {"right", &RolloutFigures::right},           {"unknown", &RolloutFigures::unknown},
    {"truncated", &RolloutFigures::truncated},   {"tokens", &RolloutFigures::tokens},
    {"duplicates", &RolloutFigures::duplicates}, {"answer_only", &RolloutFigures::answer_only}};

}  // namespace

std::vector<MetricValue> RolloutFigures::metrics() const {
  std::vector<MetricValue> values;
  for (const Named& named : kNames)
    values.push_back({std::string("rollout/") + named.name, this->*named.member});
  values.insert(values.end(), by_verifier.begin(), by_verifier.end());
  values.insert(values.end(), by_scorer.begin(), by_scorer.end());
  return values;
}

RolloutFigures figures_of(const std::vector<Json>& rows, std::int64_t group_size) {
  RolloutFigures figures;
  double known = 0, squares = 0, right = 0;
  for (const Json& row : rows) {
    figures.tokens += row["tokens"].get<double>();
    figures.truncated += row["finish_reason"] == "length" ? 1.0 : 0.0;
    if (is_right(row)) {
      right += 1.0;
      figures.answer_only +=
          num_words(row["completion"].get_ref<const std::string&>()) <= kFewWords ? 1.0 : 0.0;
    }
    if (row["reward"].is_null()) continue;
    const double reward = row["reward"];
    known += 1.0;
    figures.reward += reward;
    squares += reward * reward;
  }
  const auto all = static_cast<double>(rows.size());
  if (rows.empty()) return figures;
  add_duplicates(rows, group_size, figures);
  add_verdicts(rows, figures);
  add_scores(rows, figures);
  figures.completions = all;
  figures.prompts = all / static_cast<double>(group_size);
  figures.tokens /= all;
  figures.truncated /= all;
  figures.duplicates /= all;
  figures.right = right / all;
  figures.unknown = 1.0 - known / all;
  if (right > 0.0) figures.answer_only /= right;
  if (known == 0.0) return figures;
  figures.reward /= known;
  figures.reward_spread = std::sqrt(std::max(0.0, squares / known - figures.reward * figures.reward));
  return figures;
}

std::vector<std::string> alarms(const RolloutFigures& first, const RolloutFigures& before,
                                const RolloutFigures& now) {
  std::vector<std::string> found;
  char text[200];
  for (const Drift& drift : kDrifts) {
    if (!has_drifted(drift, first, now) || has_drifted(drift, first, before)) continue;
    std::snprintf(text, sizeof text, "%s: %.0f %% now, %.0f %% in the first rollout; look at rollouts/",
                  drift.what, 100.0 * now.*drift.member, 100.0 * first.*drift.member);
    found.push_back(text);
  }
  if (const int drift = length_drift(first, now); drift != 0 && drift != length_drift(first, before)) {
    std::snprintf(text, sizeof text,
                  "completions have %.0f tokens on average now, %.0f in the first rollout; look at rollouts/",
                  now.tokens, first.tokens);
    found.push_back(text);
  }
  return found;
}

Json to_json(const RolloutFigures& figures) {
  Json json;
  for (const Named& named : kNames) json[named.name] = figures.*named.member;
  return json;
}

RolloutFigures figures_from(const Json& json) {
  RolloutFigures figures;
  for (const Named& named : kNames) figures.*named.member = json.at(named.name).get<double>();
  return figures;
}

}  // namespace caravan::trainer
