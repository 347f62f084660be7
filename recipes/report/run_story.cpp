#include "recipes/report/run_story.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <limits>
#include <map>

#include "data/bounded_json.h"
#include "data/error.h"
#include "recipes/json_lines.h"
#include "recipes/pipeline/pipeline_state.h"
#include "recipes/read_recipe.h"

namespace caravan::recipes {
namespace {

namespace fs = std::filesystem;
using data::Error;
using data::Json;

constexpr std::size_t kMaxBytes = 64u << 20;  // of a file that is read whole

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

std::string file_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (!file || error) throw Error(Error::Kind::kInputOutput, path.string() + ": cannot be read");
  if (size > kMaxBytes)
    throw Error(Error::Kind::kData, path.string() + ": holds more than 64 MiB; it is no file of a run");
  std::string text(size, '\0');
  file.read(text.data(), static_cast<std::streamsize>(size));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

// An object, or null where there is no such file.
Json read_object(const fs::path& path) {
  if (!is_file(path)) return nullptr;
  Json json = data::parse_bounded_json(file_text(path));
  if (!json.is_object())
    throw Error(Error::Kind::kData,
                path.string() + ": holds no JSON object; put back the file as the run wrote it");
  return json;
}

// Members of objects that may be anything.
const Json& member(const Json& json, const char* key) {
  static const Json nothing = nullptr;
  if (!json.is_object()) return nothing;
  const auto found = json.find(key);
  return found == json.end() ? nothing : *found;
}
std::string text_of(const Json& json) {
  return json.is_string() ? json.get<std::string>() : std::string();
}
std::uint64_t count_of(const Json& json) {
  return json.is_number_unsigned() ? json.get<std::uint64_t>() : 0;
}
double number_of(const Json& json) {
  return json.is_number() ? json.get<double>() : std::numeric_limits<double>::quiet_NaN();
}

void sort_reasons(std::vector<RowCount>& fates, std::size_t kept) {
  std::stable_sort(fates.begin() + static_cast<std::ptrdiff_t>(kept), fates.end(),
                   [](const RowCount& a, const RowCount& b) { return a.rows > b.rows; });
}

// The steps of ledger.json, which recipes of data leave.
void read_data_steps(const Json& ledger, std::vector<StepFates>& steps) {
  const Json& listed = member(ledger, "steps");
  if (!listed.is_array()) return;
  for (const Json& step : listed) {
    const Json& totals = member(step, "totals");
    StepFates fates{text_of(member(step, "step")), count_of(member(totals, "rows")), {}};
    for (const char* name : {"kept", "repaired", "merged"})
      fates.fates.push_back({name, count_of(member(totals, name))});
    std::uint64_t told = count_of(member(totals, "merged"));
    const Json& reasons = member(step, "reasons");
    for (const Json& reason : reasons.is_array() ? reasons : Json::array()) {
      fates.fates.push_back({text_of(member(reason, "reason")), count_of(member(reason, "rows"))});
      told += fates.fates.back().rows;
    }
    // Reasons may overlap; the rows that left are those of the totals.
    const std::uint64_t left = count_of(member(totals, "dropped")) + count_of(member(totals, "ignored"));
    if (told < left) fates.fates.push_back({"dropped", left - told});
    std::erase_if(fates.fates, [](const RowCount& count) { return count.rows == 0; });
    sort_reasons(fates.fates, std::min<std::size_t>(fates.fates.size(), 1));
    steps.push_back(std::move(fates));
  }
}

// data/ledger.jsonl of a run that trains: one line a row.
void read_ledger_lines(const fs::path& path, const std::string& step, std::vector<StepFates>& steps) {
  if (!is_file(path)) return;
  constexpr std::size_t kMaxNames = 200;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(Error::Kind::kInputOutput, path.string() + ": cannot be read");
  JsonLines lines(file);
  std::map<std::string, std::uint64_t> used, unused;
  StepFates fates{step, 0, {}};
  while (const auto line = lines.next()) {
    // The last one of a run that is being written may be cut.
    if (!line->problem.empty()) continue;
    const std::string fate = text_of(member(line->row, "fate")),
                      reason = text_of(member(line->row, "reason"));
    const bool left = fate == "dropped" || fate == "not_taken";
    const std::string name = reason.empty() ? fate : fate + ": " + reason;
    auto& counts = left ? unused : used;
    ++counts[counts.size() < kMaxNames || counts.contains(name) ? name : "others"];
    ++fates.rows;
  }
  for (const auto& [name, rows] : used) fates.fates.push_back({name, rows});
  std::ranges::stable_sort(fates.fates, [](const auto& a, const auto& b) { return a.rows > b.rows; });
  const std::size_t kept = fates.fates.size();
  for (const auto& [name, rows] : unused) fates.fates.push_back({name, rows});
  sort_reasons(fates.fates, kept);
  steps.push_back(std::move(fates));
}

}  // namespace

EvaluationStory read_evaluation(const fs::path& dir, std::int64_t step) {
  EvaluationStory story{dir, step, {}};
  const Json results = read_object(dir / "results.json");
  const Json& tasks = member(results, "tasks");
  if (!tasks.is_object()) return story;
  for (const auto& [task, result] : tasks.items()) {
    const std::string main = text_of(member(result, "main"));
    const std::string recipe = text_of(member(member(results, "recipes"), task.c_str()));
    const bool unseen = recipe.find("\nsuite: unseen\n") != std::string::npos;
    const Json& metrics = member(result, "metrics");
    if (!metrics.is_object()) continue;
    for (const auto& [metric, figures] : metrics.items())
      story.scores.push_back({.task = task,
                              .metric = metric,
                              .suite = unseen ? "unseen" : "development",
                              .value = number_of(member(figures, "value")),
                              .low = number_of(member(figures, "low")),
                              .high = number_of(member(figures, "high")),
                              .items = static_cast<std::int64_t>(count_of(member(result, "items"))),
                              .is_main = metric == main});
  }
  return story;
}

namespace {

void read_evaluations(const fs::path& dir, std::vector<EvaluationStory>& evaluations) {
  constexpr std::size_t kMaxSteps = 1000;
  std::vector<std::pair<std::int64_t, fs::path>> steps;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(dir / "evaluation", ignored)) {
    const std::string name = entry.path().filename().string();
    long long step = 0;
    if (steps.size() < kMaxSteps && std::sscanf(name.c_str(), "step-%8lld", &step) == 1 &&
        is_file(entry.path() / "results.json"))
      steps.emplace_back(step, entry.path());
  }
  std::ranges::sort(steps);
  for (const auto& [step, path] : steps) evaluations.push_back(read_evaluation(path, step));
  if (is_file(dir / "evaluation" / "results.json"))
    evaluations.push_back(read_evaluation(dir / "evaluation", -1));
}

// scores.json of a command: figures without intervals.
void read_command_scores(const std::map<std::string, double>& scores, StageStory& stage) {
  if (!stage.evaluations.empty() || scores.empty()) return;
  const double nothing = std::numeric_limits<double>::quiet_NaN();
  EvaluationStory story{stage.dir, -1, {}};
  for (const auto& [name, value] : scores)
    story.scores.push_back({.task = name,
                            .metric = "",
                            .suite = "development",
                            .value = value,
                            .low = nothing,
                            .high = nothing,
                            .is_main = true});
  stage.evaluations.push_back(std::move(story));
}

void read_run(const fs::path& dir, StageStory& stage) {
  stage.dir = dir;
  stage.card = read_object(dir / "run.json");
  if (is_file(dir / "recipe.yaml")) {
    stage.recipe = file_text(dir / "recipe.yaml");
    stage.kind = recipe_stage(dir / "recipe.yaml");
  }
  read_data_steps(read_object(dir / "ledger.json"), stage.data);
  read_ledger_lines(dir / "data" / "ledger.jsonl", "training rows", stage.data);
  read_evaluations(dir, stage.evaluations);
}

}  // namespace

RunStory read_story(const fs::path& dir) {
  RunStory story{dir, is_file(dir / "pipeline.json"), {}};
  if (!story.is_pipeline) {
    const bool known =
        std::ranges::any_of(std::vector<std::string>{"run.json", "ledger.json", "metrics.jsonl"},
                            [&](const std::string& name) { return is_file(dir / name); });
    if (!known)
      throw Error(Error::Kind::kUsage,
                  dir.string() +
                      ": holds no run; name the run.dir of a recipe, with pipeline.json, run.json, "
                      "ledger.json or metrics.jsonl in it");
    StageStory stage;
    stage.name = fs::absolute(dir).lexically_normal().filename().string();
    if (stage.name.empty()) stage.name = fs::absolute(dir / "..").lexically_normal().filename().string();
    read_run(dir, stage);
    story.stages.push_back(std::move(stage));
    return story;
  }
  const PipelineState state(dir.string());
  for (const StageRecord& record : state.records()) {
    StageStory stage;
    stage.name = record.stage;
    stage.attempt = record.attempt;
    stage.state = record.state;
    stage.began = record.began;
    stage.ended = record.ended;
    stage.decision = record.decision;
    stage.reasons = record.reasons;
    for (const auto& [key, value] : record.with) stage.with.push_back(key + "=" + value);
    // A folder that a damaged pipeline.json names may lie anywhere.
    if (!record.dir.empty() && record.dir.find('/') == std::string::npos && record.dir != "..")
      read_run(dir / record.dir, stage);
    read_command_scores(record.scores, stage);
    story.stages.push_back(std::move(stage));
  }
  return story;
}

}  // namespace caravan::recipes
