#include "recipes/report/report_page.h"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>

#include "data/error.h"
#include "data/page/html_page.h"
#include "data/page/svg_chart.h"
#include "data/text_table.h"
#include "data/walk/whole_file.h"
#include "recipes/report/metric_curves.h"
#include "recipes/report/sample_pages.h"
#include "recipes/report/score_table.h"

namespace caravan::recipes {
namespace {

namespace fs = std::filesystem;
using data::PageLine;

// A page that stays below its bound: what would pass it is left out and counted.
class BoundedPage {
 public:
  explicit BoundedPage(std::string begin) : text_(std::move(begin)) {}
  void add(const std::string& markup) {
    if (text_.size() + markup.size() + kRoom > kMaxReportBytes)
      ++left_out_;
    else
      text_ += markup;
  }
  std::string end() {
    if (left_out_ > 0)
      text_ += data::paragraph(std::to_string(left_out_) + " parts are left out: the page would pass 5 MiB.");
    return text_ + data::page_end();
  }

 private:
  static constexpr std::size_t kRoom = 4096;
  std::string text_;
  std::size_t left_out_ = 0;
};

std::string title_of(const StageStory& stage) {
  std::string text = stage.name;
  if (stage.attempt > 1) text += ", attempt " + std::to_string(stage.attempt);
  return text;
}

bool names_its_kind(const StageStory& stage) {
  return stage.kind.empty() || stage.name == stage.kind;
}

std::string joined(const std::vector<std::string>& texts, const std::string& between) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : between) + text;
  return all;
}

std::string score_text(const TaskScore& score) {
  std::string text = data::figure_text(score.value);
  if (std::isfinite(score.low) && std::isfinite(score.high))
    text += " (" + data::figure_text(score.low) + " to " + data::figure_text(score.high) + ")";
  return text;
}

std::string score_name(const TaskScore& score) {
  return score.metric.empty() ? score.task : score.task + "/" + score.metric;
}

// Scores of what each stage ended with, and of what the first began with: a line a metric, a column a stage.
std::string scores_of(const RunStory& story) {
  std::vector<std::string> names;
  PageLine head{"task/metric"};
  std::map<std::string, std::map<std::size_t, std::string>> cells;
  std::vector<data::Interval> intervals;
  const auto add = [&](const std::string& when, const std::string& column,
                       const EvaluationStory& evaluation) {
    head.push_back(column);
    for (const TaskScore& score : evaluation.scores) {
      const std::string name = score_name(score) + (score.suite == "unseen" ? ", unseen suite" : "");
      if (!cells.contains(name)) names.push_back(name);
      cells[name][head.size() - 1] = score_text(score);
      if (score.is_main) intervals.push_back({name + when, score.value, score.low, score.high});
    }
  };
  if (const StageStory* first = story.is_pipeline ? scored_before(story) : nullptr)
    add(" before " + title_of(*first), "before " + title_of(*first), first->evaluations.front());
  for (const StageStory& stage : story.stages)
    if (!stage.evaluations.empty())
      add(" after " + title_of(stage), title_of(stage), stage.evaluations.back());
  if (names.empty()) return {};
  std::ranges::stable_sort(intervals, {}, [&](const data::Interval& one) {
    return one.label.substr(0, std::min(one.label.find(" before "), one.label.find(" after ")));
  });
  constexpr std::size_t kMaxLines = 300;
  std::vector<PageLine> lines{head};
  for (const std::string& name : names) {
    if (lines.size() > kMaxLines) break;
    PageLine line{name};
    for (std::size_t column = 1; column < head.size(); ++column)
      line.push_back(cells[name].contains(column) ? cells[name][column] : "");
    lines.push_back(std::move(line));
  }
  // Scores of different kinds have no common axis; those of accuracies do.
  std::erase_if(intervals, [](const data::Interval& one) { return !(one.value >= 0.0 && one.value <= 1.0); });
  if (intervals.size() > kMaxLines) intervals.resize(kMaxLines);
  return data::heading(2, "Scores") + data::page_table(lines) +
         data::paragraph("In brackets: 95 % interval by bootstrap over items.") +
         data::interval_chart("scores with their intervals", intervals);
}

// "2026-11-23T17:54:49Z" as "2026-11-23 17:54:49"; any other text as it is.
std::string clock_text(const std::string& time) {
  std::string text = time;
  if (text.size() == 20 && text[10] == 'T' && text[19] == 'Z') {
    text[10] = ' ';
    text.pop_back();
  }
  return text;
}

std::string took(const StageStory& stage) {
  std::tm from{}, to{};
  if (::strptime(stage.began.c_str(), "%Y-%m-%dT%H:%M:%SZ", &from) == nullptr ||
      ::strptime(stage.ended.c_str(), "%Y-%m-%dT%H:%M:%SZ", &to) == nullptr)
    return {};
  const auto seconds = static_cast<std::int64_t>(::timegm(&to) - ::timegm(&from));
  char text[48];
  std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", static_cast<long long>(seconds / 3600),
                static_cast<long long>(seconds / 60 % 60), static_cast<long long>(seconds % 60));
  return seconds < 0 ? "" : text;
}

std::string stage_table(const RunStory& story) {
  std::vector<PageLine> lines{{"stage", "kind", "state", "began (UTC)", "took", "decision", "why"}};
  for (const StageStory& stage : story.stages) {
    std::vector<std::string> why = stage.reasons;
    if (!stage.with.empty()) why.push_back("with " + joined(stage.with, ", "));
    lines.push_back({title_of(stage), stage.kind.empty() ? "command" : stage.kind, stage.state,
                     clock_text(stage.began), took(stage), stage.decision, joined(why, "; ")});
  }
  return data::heading(2, "Stages and gates") + data::page_table(lines);
}

std::string fates_of(const StageStory& stage) {
  constexpr std::size_t kMaxSteps = 60, kMaxReasons = 24;
  std::string page;
  for (std::size_t i = 0; i < std::min(stage.data.size(), kMaxSteps); ++i) {
    const StepFates& step = stage.data[i];
    std::vector<data::Share> shares;
    std::string legend;
    for (std::size_t r = 0; r < std::min(step.fates.size(), kMaxReasons); ++r) {
      const RowCount& fate = step.fates[r];
      shares.push_back({fate.name, fate.rows});
      legend += (legend.empty() ? "" : ", ") + data::share_key(r) +
                data::quoted_text(fate.name + " " + data::grouped(fate.rows), 200);
    }
    if (step.fates.size() > kMaxReasons)
      legend += ", and " + std::to_string(step.fates.size() - kMaxReasons) + " more reasons";
    page += "<div><span class=\"small\">" +
            data::quoted_text(step.step + ": " + data::grouped(step.rows) + " rows; ", 400) + legend +
            "</span>" + data::share_bar(step.step, shares) + "</div>\n";
  }
  return page.empty() ? page : data::heading(3, "what became of the rows") + page;
}

// What says how fast and how much, not how well.
bool is_count(const std::string& name) {
  if (name.starts_with("speed/") || name.starts_with("memory/")) return true;
  const std::string last = name.substr(name.rfind('/') + 1);
  return last == "documents" || last == "tokens" || last == "epoch" || last == "loss_count" ||
         last.ends_with("_stderr");
}

// What people look at first.
int rank_of(const std::string& name) {
  int rank = 0;
  for (const char* part : {"/loss", "eval/", "reward", "kl", "length", "learning_rate", "grad_norm"}) {
    if (name.find(part) != std::string::npos) return rank;
    ++rank;
  }
  return rank;
}

std::string curves_of(const fs::path& dir) {
  constexpr std::size_t kMaxCurves = 80;
  std::size_t left_out = 0;
  const std::map<std::string, ThinCurve> curves = read_curves(dir / "metrics.jsonl", kMaxCurves, left_out);
  std::vector<std::string> names;
  for (const auto& [name, curve] : curves) names.push_back(name);
  std::ranges::stable_sort(names, {}, rank_of);
  std::string main, rest;
  for (const std::string& name : names) {
    const std::string chart = data::line_chart(name, {{name, curves.at(name).points()}});
    if (chart.empty()) continue;
    std::string& part = is_count(name) ? rest : main;
    part += "<figure><figcaption>" + data::quoted_text(name, 200) + "</figcaption>" + chart + "</figure>\n";
  }
  std::string page;
  if (!main.empty()) page = data::heading(3, "curves") + "<div class=\"charts\">\n" + main + "</div>\n";
  if (!rest.empty())
    page += data::folded("speed, memory and counts", "<div class=\"charts\">\n" + rest + "</div>\n");
  if (left_out > 0) page += data::paragraph(std::to_string(left_out) + " further metrics are not drawn.");
  return page;
}

// Tasks that the run asked its model while it trained.
std::string scores_by_step(const StageStory& stage) {
  std::vector<PageLine> lines{{"step", "task/metric", "score"}};
  constexpr std::size_t kMaxLines = 400;
  for (const EvaluationStory& evaluation : stage.evaluations)
    for (const TaskScore& score : evaluation.scores)
      if (evaluation.step >= 0 && lines.size() < kMaxLines)
        lines.push_back({std::to_string(evaluation.step), score_name(score), score_text(score)});
  return lines.size() == 1 ? "" : data::heading(3, "scores while it trained") + data::page_table(lines);
}

std::string facts_of(const StageStory& stage) {
  if (!stage.card.is_object()) return {};
  std::vector<PageLine> lines;
  const auto add = [&](const std::string& name, const data::Json& value) {
    if (value.is_primitive() && !value.is_null())
      lines.push_back({name, value.is_number_unsigned() ? data::grouped(value.get<std::uint64_t>())
                             : value.is_string()
                                 ? value.get<std::string>().substr(0, 300)
                                 : value.dump(-1, ' ', false, data::Json::error_handler_t::replace)});
  };
  const data::Json sizes = stage.card.value("sizes", data::Json::object());
  if (sizes.is_object())
    for (const auto& [name, value] : sizes.items()) add(name, value);
  const data::Json launches = stage.card.value("launches", data::Json::array());
  if (launches.is_array() && !launches.empty() && launches.back().is_object()) {
    add("launches", launches.size());
    for (const char* key : {"outcome", "device", "world_size"})
      add(key, launches.back().value(key, data::Json()));
    const data::Json versions = launches.back().value("versions", data::Json::object());
    if (versions.is_object())
      for (const char* key : {"caravan", "commit", "libtorch"}) add(key, versions.value(key, data::Json()));
  }
  constexpr std::size_t kMaxFacts = 60;
  if (lines.size() > kMaxFacts) lines.resize(kMaxFacts);
  return lines.empty() ? "" : data::folded("sizes and versions", data::page_table(lines, false));
}

}  // namespace

std::string report_page(const RunStory& story) {
  const std::string name = fs::absolute(story.dir).lexically_normal().filename().string();
  BoundedPage page(data::page_head((story.is_pipeline ? "pipeline " : "run ") + name));
  if (story.is_pipeline) page.add(stage_table(story));
  page.add(scores_of(story));
  const std::string samples = samples_before_and_after(story);
  if (!samples.empty()) page.add(data::heading(2, "Samples before and after") + samples);
  for (const StageStory& stage : story.stages) {
    page.add(data::heading(
        2, title_of(stage) + (!story.is_pipeline || names_its_kind(stage) ? "" : " (" + stage.kind + ")")));
    page.add(facts_of(stage));
    page.add(curves_of(stage.dir));
    page.add(scores_by_step(stage));
    page.add(fates_of(stage));
    page.add(rollouts_of(stage.dir));
    if (!stage.recipe.empty())
      page.add(data::folded("recipe", "<pre>" + data::quoted_text(stage.recipe, 30000) + "</pre>\n"));
  }
  return page.end();
}

void write_report(const fs::path& dir, const fs::path& out) {
  std::error_code ignored;
  if (fs::exists(out, ignored)) {
    std::ifstream file(out, std::ios::binary);
    std::string begin(15, '\0');
    file.read(begin.data(), static_cast<std::streamsize>(begin.size()));
    if (begin != "<!doctype html>")
      throw data::Error(data::Error::Kind::kUnsafe,
                        out.string() + ": is there and no page; choose another file for --out");
  }
  data::write_whole_file(out.string(), report_page(read_story(dir)), {true, {}});
}

}  // namespace caravan::recipes
