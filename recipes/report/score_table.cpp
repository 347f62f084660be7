#include "recipes/report/score_table.h"

#include <cmath>
#include <cstdio>
#include <map>

#include "data/text_table.h"

namespace caravan::recipes {
namespace {

std::string figure(const char* format, double value) {
  char text[40];
  std::snprintf(text, sizeof text, format, value);
  return std::isfinite(value) ? text : "-";
}

class ScoreLines {
 public:
  void add(const std::string& stage, const EvaluationStory& evaluation, const std::string& decision) {
    for (const TaskScore& score : evaluation.scores) {
      if (!score.is_main) continue;
      const std::string task = score.metric.empty() ? score.task : score.task + "/" + score.metric;
      const auto earlier = last_.find(task);
      const bool has_interval = std::isfinite(score.low) && std::isfinite(score.high);
      lines_.push_back({stage, task, figure("%.4f", score.value),
                        has_interval ? figure("%.4f", score.low) + " to " + figure("%.4f", score.high) : "-",
                        earlier == last_.end() ? "" : figure("%+.4f", score.value - earlier->second),
                        decision});
      last_[task] = score.value;
    }
  }
  std::string text() const { return lines_.size() == 1 ? "" : data::print_table(lines_); }

 private:
  std::vector<data::TableLine> lines_{{"stage", "task/metric", "score", "95 % interval", "change", "gate"}};
  std::map<std::string, double> last_;
};

}  // namespace

const StageStory* scored_before(const RunStory& story) {
  for (const StageStory& stage : story.stages)
    if (!stage.evaluations.empty()) return stage.evaluations.front().step == 0 ? &stage : nullptr;
  return nullptr;
}

std::string score_table(const RunStory& story) {
  ScoreLines lines;
  if (const StageStory* first = scored_before(story))
    lines.add("before " + first->name, first->evaluations.front(), "");
  for (const StageStory& stage : story.stages) {
    if (stage.evaluations.empty() || stage.evaluations.back().step >= 0) continue;
    const std::string name =
        stage.attempt > 1 ? stage.name + ", attempt " + std::to_string(stage.attempt) : stage.name;
    lines.add(name, stage.evaluations.back(), stage.decision);
  }
  return lines.text();
}

}  // namespace caravan::recipes
