#include "recipes/report/sample_pages.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include "data/page/html_page.h"
#include "data/page/svg_chart.h"
#include "data/readers/byte_source.h"
#include "recipes/json_lines.h"

namespace caravan::recipes {
namespace {

namespace fs = std::filesystem;
using data::Json;

// The first bytes of a file, decompressed.
std::istringstream first_bytes(const fs::path& path) {
  constexpr std::size_t kMax = 32u << 20;
  const std::unique_ptr<data::ByteSource> source = data::open_bytes(path.string());
  std::string text(kMax, '\0');
  std::size_t size = 0;
  while (size < kMax) {
    const std::size_t read = source->read(text.data() + size, kMax - size);
    if (read == 0) break;
    size += read;
  }
  text.resize(size);
  return std::istringstream(text);
}

std::string text_at(const Json& row, const char* key) {
  const auto found = row.find(key);
  if (found == row.end()) return {};
  return found->is_string() ? found->get<std::string>()
                            : found->dump(-1, ' ', false, Json::error_handler_t::replace);
}

double number_at(const Json& row, const char* key) {
  const auto found = row.find(key);
  return found != row.end() && found->is_number() ? found->get<double>() : std::nan("");
}

struct Sample {
  std::string prompt, answer, verdict, reason;
};
using Samples = std::map<std::int64_t, Sample>;  // by item

std::string answer_of(const Json& row) {
  if (row.contains("completion")) return text_at(row, "completion");
  return row.contains("values") ? text_at(row, "values") : std::string();
}

// The first sample of each of the first items.
Samples read_samples(const fs::path& path) {
  constexpr std::size_t kMaxItems = 2000, kMaxText = 3000;
  Samples samples;
  std::istringstream bytes = first_bytes(path);
  JsonLines lines(bytes);
  while (const auto line = lines.next()) {
    if (samples.size() >= kMaxItems) break;
    const Json& row = line->row;
    if (!line->problem.empty() || !row.contains("index") || !row["index"].is_number_integer()) continue;
    if (row.value("left_out", Json()).is_string()) continue;
    samples.emplace(row["index"].get<std::int64_t>(),
                    Sample{text_at(row, "prompt").substr(0, kMaxText), answer_of(row).substr(0, kMaxText),
                           text_at(row, "verdict"), text_at(row, "reason").substr(0, 300)});
  }
  return samples;
}

struct Column {
  std::string name;
  Samples samples;
};

// One class name of the page's style for each verdict; any other text has none.
std::string mark_of(const std::string& verdict) {
  for (const char* known : {"right", "wrong", "unknown"})
    if (verdict == known) return std::string(" class=\"") + known + "\"";
  return {};
}

std::string item_markup(std::int64_t item, const std::string& what, const std::vector<Column>& columns) {
  std::string page = "<h3>" + data::quoted_text("item " + std::to_string(item) + what, 200) + "</h3>\n<pre>" +
                     data::quoted_text(columns.back().samples.at(item).prompt, 1500) +
                     "</pre>\n<div class=\"pair\">\n";
  for (const Column& column : columns) {
    const auto found = column.samples.find(item);
    if (found == column.samples.end()) continue;
    const Sample& sample = found->second;
    page += "<div><span class=\"small\">" + data::quoted_text(column.name, 200) + ": " +
            data::quoted_text(sample.verdict, 40) + "</span><pre" + mark_of(sample.verdict) + ">" +
            data::quoted_text(sample.answer, 1500) + "</pre><span class=\"small\">" +
            data::quoted_text(sample.reason, 300) + "</span></div>\n";
  }
  return page + "</div>\n";
}

// What became of an item over the columns that all have it: by which it is right, or was no more.
struct ItemStory {
  enum class Kind { kWon, kLost, kNever, kAlways };  // in the order in which they are shown
  Kind kind = Kind::kNever;
  std::size_t column = 0;  // of the last change

  // What changed last comes first.
  bool operator<(const ItemStory& other) const {
    return kind != other.kind ? kind < other.kind : column > other.column;
  }
};

ItemStory story_of(const std::vector<Column>& columns, std::int64_t item) {
  const auto is_right = [&](std::size_t column) {
    return columns[column].samples.at(item).verdict == "right";
  };
  const bool ends_right = is_right(columns.size() - 1);
  for (std::size_t column = columns.size() - 1; column > 0; --column)
    if (is_right(column - 1) != ends_right)
      return {ends_right ? ItemStory::Kind::kWon : ItemStory::Kind::kLost, column};
  return {ends_right ? ItemStory::Kind::kAlways : ItemStory::Kind::kNever, 0};
}

std::string shown(const ItemStory& story, const std::vector<Column>& columns) {
  const std::string& name = columns[story.column].name;
  switch (story.kind) {
    case ItemStory::Kind::kWon:
      return ", right since " + name;
    case ItemStory::Kind::kLost:
      return ", wrong since " + name;
    case ItemStory::Kind::kNever:
      return ", never right";
    case ItemStory::Kind::kAlways:
      return ", right from the beginning";
  }
  return {};
}

// The first few items of each story, of those that all columns have.
std::map<ItemStory, std::vector<std::int64_t>> choose_items(const std::vector<Column>& columns) {
  constexpr std::size_t kMaxStoryItems = 3;
  std::map<ItemStory, std::vector<std::int64_t>> chosen;
  for (const auto& [item, last] : columns.back().samples) {
    const auto has = [&, key = item](const Column& column) { return column.samples.contains(key); };
    if (!std::ranges::all_of(columns, has)) continue;
    std::vector<std::int64_t>& items = chosen[story_of(columns, item)];
    if (items.size() < kMaxStoryItems) items.push_back(item);
  }
  return chosen;
}

constexpr std::size_t kMaxColumns = 6;

}  // namespace

std::string samples_before_and_after(const RunStory& story) {
  // By task, each evaluation that has samples of it.
  std::map<std::string, std::vector<std::pair<std::string, fs::path>>> files;
  for (const StageStory& stage : story.stages)
    for (const EvaluationStory& evaluation : stage.evaluations) {
      // Where a stage began and what it ended with; of a run that has not ended, all there is.
      if (evaluation.step > 0 && stage.evaluations.back().step < 0) continue;
      for (const TaskScore& score : evaluation.scores) {
        const fs::path file = evaluation.dir / "samples" / (score.task + ".jsonl.zst");
        std::error_code ignored;
        // A task's name comes from a file that anyone may have written.
        if (!score.is_main || score.task.find('/') != std::string::npos ||
            !fs::is_regular_file(file, ignored))
          continue;
        std::string name = stage.name;
        if (stage.attempt > 1) name += ", attempt " + std::to_string(stage.attempt);
        if (evaluation.step >= 0) name += ", step " + std::to_string(evaluation.step);
        files[score.task].emplace_back(std::move(name), file);
      }
    }
  std::string page;
  for (auto& [task, found] : files) {
    // The first and the newest ones.
    if (found.size() > kMaxColumns)
      found.erase(found.begin() + 1, found.end() - static_cast<std::ptrdiff_t>(kMaxColumns - 1));
    std::vector<Column> columns;
    for (const auto& [name, file] : found) columns.push_back({name, read_samples(file)});
    std::string items;
    for (const auto& [story_of_items, chosen] : choose_items(columns))
      for (const std::int64_t item : chosen)
        items += item_markup(item, columns.size() > 1 ? shown(story_of_items, columns) : "", columns);
    if (!items.empty()) page += data::heading(3, "samples of " + task) + items;
  }
  return page;
}

namespace {

struct Rollout {
  std::string prompt, completion, verdicts;
  double reward = 0.0, tokens = 0.0;
};

struct RolloutStep {
  double step = 0.0;
  double reward = 0.0, tokens = 0.0, unknown = 0.0;  // means; share of rollouts a verifier could not tell of
  std::vector<Rollout> rollouts;
};

bool has_unknown(const Json& row) {
  const auto verdicts = row.find("verdicts");
  if (verdicts == row.end() || !verdicts->is_array()) return false;
  return std::ranges::any_of(*verdicts, [](const Json& one) {
    return one.is_object() && one.value("verdict", Json()) == "unknown";
  });
}

std::string verdicts_text(const Json& row) {
  std::string text;
  const auto verdicts = row.find("verdicts");
  if (verdicts == row.end() || !verdicts->is_array()) return text;
  for (const Json& one : *verdicts)
    if (one.is_object() && text.size() < 600)
      text += (text.empty() ? "" : "; ") + text_at(one, "verifier") + " " + text_at(one, "verdict") + ": " +
              text_at(one, "reason").substr(0, 200);
  return text;
}

RolloutStep read_step(const fs::path& path) {
  constexpr std::size_t kMaxRollouts = 2000, kMaxText = 3000;
  RolloutStep step;
  std::istringstream bytes = first_bytes(path);
  JsonLines lines(bytes);
  double unknown = 0.0, rewards = 0.0, tokens = 0.0;
  while (const auto line = lines.next()) {
    if (step.rollouts.size() >= kMaxRollouts) break;
    const Json& row = line->row;
    if (!line->problem.empty() || !row.contains("completion")) continue;
    Rollout rollout{text_at(row, "prompt").substr(0, kMaxText),
                    text_at(row, "completion").substr(0, kMaxText), verdicts_text(row),
                    number_at(row, "reward"), number_at(row, "tokens")};
    // Some writers keep the ids and not their number.
    if (std::isnan(rollout.tokens) && row.contains("tokens") && row["tokens"].is_array())
      rollout.tokens = static_cast<double>(row["tokens"].size());
    if (std::isnan(step.step) || step.rollouts.empty()) step.step = number_at(row, "step");
    if (std::isfinite(rollout.reward)) rewards += rollout.reward;
    if (std::isfinite(rollout.tokens)) tokens += rollout.tokens;
    unknown += has_unknown(row) ? 1.0 : 0.0;
    step.rollouts.push_back(std::move(rollout));
  }
  const double n = std::max<double>(1.0, static_cast<double>(step.rollouts.size()));
  step.reward = rewards / n;
  step.tokens = tokens / n;
  step.unknown = unknown / n;
  return step;
}

std::vector<fs::path> rollout_files(const fs::path& run_dir) {
  constexpr std::size_t kMaxFiles = 60;
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(run_dir / "rollouts", ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("step-") && (name.ends_with(".jsonl.zst") || name.ends_with(".jsonl")))
      files.push_back(entry.path());
  }
  std::ranges::sort(files);
  if (files.size() <= kMaxFiles) return files;
  std::vector<fs::path> spread;
  for (std::size_t i = 0; i < kMaxFiles; ++i)
    spread.push_back(files[i * (files.size() - 1) / (kMaxFiles - 1)]);
  return spread;
}

// Of the first and of the last step over the same range.
std::string reward_histogram(const RolloutStep& step, double low, double high) {
  constexpr std::size_t kBars = 20;
  std::vector<double> counts(kBars, 0.0);
  const double span = high - low;
  for (const Rollout& rollout : step.rollouts) {
    if (!std::isfinite(rollout.reward)) continue;
    const double place = span > 0.0 ? (rollout.reward - low) / span * (kBars - 1) : 0.0;
    counts[static_cast<std::size_t>(std::clamp(place + 0.5, 0.0, static_cast<double>(kBars - 1)))] += 1.0;
  }
  std::vector<data::Bar> bars;
  for (std::size_t i = 0; i < kBars; ++i) {
    const std::string at = data::figure_text(low + span * static_cast<double>(i) / (kBars - 1));
    bars.push_back({at, counts[i], "reward near " + at + ": " + data::figure_text(counts[i]) + " rollouts"});
  }
  return data::paragraph("Rewards of step " + data::figure_text(step.step)) +
         data::bar_chart("rewards of a step", bars);
}

std::string rollout_markup(const Rollout& rollout) {
  return "<h3>reward " + data::figure_text(rollout.reward) + "</h3>\n<pre>" +
         data::quoted_text(rollout.prompt, 1200) + "</pre><pre>" +
         data::quoted_text(rollout.completion, 1800) + "</pre><span class=\"small\">" +
         data::quoted_text(rollout.verdicts, 600) + "</span>\n";
}

std::string examples_of(RolloutStep& step) {
  constexpr std::size_t kOfEach = 3;
  std::vector<Rollout>& all = step.rollouts;
  std::erase_if(all, [](const Rollout& rollout) { return !std::isfinite(rollout.reward); });
  std::ranges::stable_sort(all, [](const Rollout& a, const Rollout& b) { return a.reward > b.reward; });
  std::string page;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (i < kOfEach || i + kOfEach >= all.size()) page += rollout_markup(all[i]);
  return data::folded("rollouts of step " + data::figure_text(step.step) + ": best and worst", page);
}

}  // namespace

std::string rollouts_of(const fs::path& run_dir) {
  std::vector<RolloutStep> steps;
  for (const fs::path& file : rollout_files(run_dir)) {
    RolloutStep step = read_step(file);
    if (step.rollouts.empty()) continue;
    // Texts of the steps between are not shown.
    if (steps.size() > 1) steps.back().rollouts.clear();
    steps.push_back(std::move(step));
  }
  if (steps.empty()) return {};
  data::Curve rewards{"mean reward", {}}, tokens{"mean tokens", {}}, unknown{"share unknown", {}};
  for (const RolloutStep& step : steps) {
    rewards.points.push_back({step.step, step.reward});
    tokens.points.push_back({step.step, step.tokens});
    unknown.points.push_back({step.step, step.unknown});
  }
  std::string page = data::heading(3, "rollouts") + "<div class=\"charts\">\n";
  for (const data::Curve& curve : {rewards, tokens, unknown})
    page += "<figure><figcaption>" + data::quoted_text(curve.name) + "</figcaption>" +
            data::line_chart(curve.name, {curve}) + "</figure>\n";
  page += "</div>\n";
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const RolloutStep* step : {&steps.front(), &steps.back()})
    for (const Rollout& rollout : step->rollouts)
      if (std::isfinite(rollout.reward)) {
        low = std::min(low, rollout.reward);
        high = std::max(high, rollout.reward);
      }
  if (low <= high) {
    page += reward_histogram(steps.front(), low, high);
    if (steps.size() > 1) page += reward_histogram(steps.back(), low, high);
  }
  page += examples_of(steps.front());
  if (steps.size() > 1) page += examples_of(steps.back());
  return page;
}

}  // namespace caravan::recipes
