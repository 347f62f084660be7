#include "recipes/pipeline/run_pipeline.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "data/error.h"
#include "data/walk/whole_file.h"
#include "recipes/curation/claim_folder.h"
#include "recipes/pipeline/check_pipeline.h"
#include "recipes/pipeline/check_tasks.h"
#include "recipes/pipeline/child_process.h"
#include "recipes/pipeline/gate.h"
#include "recipes/pipeline/pipeline_state.h"
#include "recipes/pipeline/stage_words.h"
#include "recipes/report/report_page.h"
#include "recipes/report/score_table.h"
#include "recipes/resolved_recipe.h"
#include "recipes/shown_text.h"
#include "trainer/checkpoint/run_lock.h"

namespace caravan::recipes {
namespace {

namespace fs = std::filesystem;
using data::Error;

constexpr int kStopped = 75;

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

class Pipeline {
 public:
  Pipeline(const ReadPipelineRecipe& read, bool quiet)
      : recipe_(read.recipe), quiet_(quiet), dir_(recipe_.run.dir), own_(fs::read_symlink("/proc/self/exe")) {
    for (const PipelineStage& stage : recipe_.stages)
      kinds_.push_back(stage.recipe.empty() ? "" : recipe_stage(stage.recipe));
  }

  int run() {
    claim_folder();
    state_.emplace(dir_);
    std::size_t at = 0;
    std::map<std::string, std::string> with;
    if (!state_->empty() && !go_on(at, with)) return told_by_gate();
    while (at < recipe_.stages.size()) {
      const PipelineStage& stage = recipe_.stages[at];
      if (state_->empty() || state_->last().state == "done")
        state_->begin(stage.name, at + 1, std::move(with));
      with.clear();
      if (const int code = run_stage(stage, kinds_[at]); code != 0) return code;
      decide(stage);
      if (!follow_decision(at, with)) return told_by_gate();
    }
    report();
    say("done: " + dir_ + "/report.html and pipeline.json tell of every stage");
    return 0;
  }

 private:
  void say(const std::string& text) const {
    if (!quiet_) std::fprintf(stderr, "pipeline: %s\n", shown_text(text).c_str());
  }

  // The scores on stdout, and the page. One that cannot be written takes nothing from what was done.
  void report() const {
    try {
      if (!quiet_) std::fputs(shown_text(score_table(read_story(dir_))).c_str(), stdout);
      write_report(dir_, dir_ + "/report.html");
    } catch (const Error& error) {
      std::fprintf(stderr, "caravan: no report was written: %s\n", shown_text(error.what()).c_str());
    }
  }

  // The folder is new, or that of the same pipeline.
  void claim_folder() {
    recipes::claim_folder(dir_, "stages", lock_);
    const fs::path known = fs::path(dir_) / "recipe.yaml";
    std::error_code ignored;
    if (fs::exists(known, ignored)) {
      const auto breaking = breaking_changes(recipe_difference(read_pipeline_recipe(known).recipe, recipe_));
      if (!breaking.empty())
        throw Error(Error::Kind::kUsage,
                    dir_ + ": was begun with another recipe; take that one, or another run.dir:\n" +
                        difference_text(breaking));
    }
    data::write_whole_file(known.string(), resolved_yaml(recipe_), {true, {}});
  }

  std::size_t place_of(const std::string& name) const {
    const auto found = std::ranges::find(recipe_.stages, name, &PipelineStage::name);
    return static_cast<std::size_t>(found - recipe_.stages.begin());
  }

  // Where an earlier launch left off. False: at a gate that is still not passed.
  bool go_on(std::size_t& at, std::map<std::string, std::string>& with) {
    StageRecord& last = state_->last();
    at = place_of(last.stage);
    if (last.state != "done") {
      say("going on with " + last.stage);
      last.state = "running";
      return true;
    }
    // A gate may have been made lower meanwhile.
    if (last.decision == "stop") decide(recipe_.stages[at]);
    return follow_decision(at, with);
  }

  // Moves to the stage that comes next. False: none, the gate stops the pipeline.
  bool follow_decision(std::size_t& at, std::map<std::string, std::string>& with) {
    const StageRecord& last = state_->last();
    if (last.decision == "stop") return false;
    if (last.decision == "go on") {
      ++at;
      return true;
    }
    with = recipe_.stages[at].gate.with;
    at = place_of(last.decision.substr(std::string("back to ").size()));
    return true;
  }

  int told_by_gate() const {
    report();
    const StageRecord& last = state_->records().back();
    std::string text = "caravan: the gate of " + last.stage + " stops the pipeline";
    for (const std::string& reason : last.reasons) text += "\n  " + reason;
    text +=
        "\nlower the gate and run the same command to go on, or change the stage and start in another "
        "run.dir\n";
    std::fputs(shown_text(text).c_str(), stderr);
    return kGateExitCode;
  }

  FindStage finder() const {
    return [this](const std::string& name) {
      const std::size_t at = place_of(name);
      const StageRecord* record = at < recipe_.stages.size() ? state_->newest(name) : nullptr;
      if (record == nullptr)
        throw Error(Error::Kind::kUsage, "{" + name + ". ...}: no stage of this name has run before");
      return StagePlace{state_->path_of(*record), makes_rows(kinds_[at])};
    };
  }

  std::vector<std::string> words_of(const PipelineStage& stage, const std::string& kind) const {
    const StageRecord& record = state_->records().back();
    const std::string dir = state_->path_of(record);
    std::vector<std::string> words;
    if (!stage.command.empty()) {
      for (const std::string& word : stage.command) words.push_back(fill_in(word, dir_, finder()));
      return words;
    }
    words = stage.launcher;
    words.push_back(own_);
    if (stage.ranks > 1)
      for (const std::string& word :
           {std::string("launch"), std::string("--nproc"), std::to_string(stage.ranks), std::string("--")})
        words.push_back(word);
    words.push_back(kind == "synthesize" || kind == "prefer" || kind == "release" ? kind : "train");
    words.push_back(stage.recipe);
    if (quiet_) words.push_back("--quiet");
    for (std::string& word : stage_overrides(stage, kind, record, dir, dir_, finder()))
      words.push_back(std::move(word));
    return words;
  }

  // The stage, its evaluation, its hooks. 0, or the code with which the pipeline ends.
  int run_stage(const PipelineStage& stage, const std::string& kind) {
    state_->save();
    if (signals_.told_to_stop()) return failed(kStopped, "");
    const StageRecord& record = state_->last();
    const std::string dir = state_->path_of(record);
    if (!stage.command.empty()) data::make_folder(dir);
    if (const int code = run_words(words_of(stage, kind), dir); code != 0) return failed(code, "");
    if (!stage.tasks.empty()) {
      std::vector<std::string> words{own_,           "evaluate", "--model",
                                     dir + "/final", "--out",    dir + "/evaluation"};
      // One by one: a path may have a comma.
      for (const std::string& task : stage.tasks) words.insert(words.end(), {"--task", task});
      if (quiet_) words.push_back("--quiet");
      for (const std::string& word : stage.evaluate_flags) words.push_back(fill_in(word, dir_, finder()));
      if (const int code = evaluate(words, dir); code != 0) return failed(code, "evaluation of ");
    }
    for (const HookOptions& hook : stage.after)
      if (const int code = run_hook(hook, dir); code != 0) return failed(code, "a hook after ");
    return 0;
  }

  // A task that says nothing of the model is for the gate to judge: the model is there, and was hours of
  // work.
  int evaluate(const std::vector<std::string>& words, const std::string& dir) {
    constexpr int kBadData = 65;
    const std::string file = dir + "/evaluation/results.json";
    std::error_code ignored;
    fs::remove(file, ignored);
    const int code = run_words(words, dir);
    if (code != kBadData || !fs::exists(file, ignored)) return code;
    const FailedTasks failed = read_stage_scores(file).failed;
    for (const auto& [task, reason] : failed) say("task " + task + " failed: " + reason);
    return failed.empty() ? code : 0;
  }

  int run_words(const std::vector<std::string>& words, const std::string& dir) {
    return carry_out(words, dir, {}).code;
  }

  int run_hook(const HookOptions& hook, const std::string& dir) {
    std::vector<std::string> words;
    for (const std::string& word : hook.command) words.push_back(fill_in(word, dir_, finder()));
    const ChildEnd end = carry_out(words, dir, hook.timeout);
    if (!end.timed_out) return end.code;
    std::fprintf(stderr, "caravan: %s did not end within %lld seconds\n", shown_text(words[0]).c_str(),
                 static_cast<long long>(hook.timeout));
    return 70;
  }

  // A child that was told to stop and ended well may have left its work undone, or not.
  ChildEnd carry_out(const std::vector<std::string>& words, const std::string& dir,
                     std::optional<std::int64_t> timeout) {
    say(joined(words));
    ChildEnd end = run_child(words,
                             {.variables = {{"CARAVAN_STAGE_DIR", dir}, {"CARAVAN_PIPELINE_DIR", dir_}},
                              .timeout_seconds = timeout},
                             signals_);
    if (end.code == 0 && signals_.told_to_stop()) end.code = kStopped;
    return end;
  }

  int failed(int code, const std::string& what) {
    StageRecord& record = state_->last();
    const bool stopped =
        code == kStopped || code == 128 + SIGINT || code == 128 + SIGTERM || signals_.told_to_stop();
    record.state = stopped ? "stopped" : "failed";
    record.exit_code = code;
    record.ended = utc_now();
    state_->save();
    const std::string dir = state_->path_of(record);
    std::fprintf(
        stderr, "caravan: %s%s %s; the same command goes on there\n", what.c_str(), record.stage.c_str(),
        stopped ? "was stopped"
                : ("ended with code " + std::to_string(code) + ", see above and " + shown_text(dir)).c_str());
    return stopped ? kStopped : code;
  }

  // "previous" is a place in the recipe: after a way back, stages behind this one have run before it too.
  const StageRecord* compared_with(const PipelineStage& stage) const {
    const std::string name = parse_comparison(stage.gate.not_worse_than).stage;
    if (name != "previous") return state_->newest_scored(name);
    const StageRecord* found = nullptr;
    for (std::size_t at = place_of(stage.name); at > 0 && found == nullptr; --at)
      found = state_->newest_scored(recipe_.stages[at - 1].name);
    return found;
  }

  // Closes the stage's record with its scores and what they mean.
  void decide(const PipelineStage& stage) {
    StageRecord& record = state_->last();
    const std::string dir = state_->path_of(record);
    const bool is_command = !stage.command.empty();
    const std::string file = dir + (is_command ? "/scores.json" : "/evaluation/results.json");
    if (record.state != "done" && (!stage.tasks.empty() || fs::exists(file))) {
      StageScores read = read_stage_scores(file);
      record.scores = std::move(read.scores);
      record.failed_tasks = std::move(read.failed);
    }
    const GateOptions& gate = stage.gate;
    const StageRecord* earlier = gate.not_worse_than.empty() ? nullptr : compared_with(stage);
    const GateVerdict verdict =
        judge(gate, record.scores, earlier == nullptr ? Scores{} : earlier->scores, record.failed_tasks);
    record.reasons = verdict.reasons;
    if (gate.is_open())
      for (const auto& [task, reason] : record.failed_tasks)
        record.reasons.push_back(task + " was not measured: " + reason);
    record.decision = "go on";
    if (!verdict.passed) {
      const bool may_go_back = !gate.back_to.empty() && state_->times_back(stage.name) < gate.at_most;
      record.decision = may_go_back ? "back to " + gate.back_to : "stop";
    }
    if (record.state != "done") record.ended = utc_now();
    record.state = "done";
    record.exit_code = 0;
    state_->save();
    std::string text = record.stage + " is done";
    for (const std::string& reason : record.reasons) text += "; " + reason;
    if (!gate.is_open()) text += ": " + record.decision;
    say(text);
  }

  HeldSignals signals_;
  const PipelineRecipe& recipe_;
  bool quiet_;
  std::string dir_, own_;
  std::vector<std::string> kinds_;  // by stage: of its recipe; empty for a command
  std::optional<trainer::RunLock> lock_;
  std::optional<PipelineState> state_;
};

}  // namespace

int run_pipeline(const ReadPipelineRecipe& read, bool quiet) {
  check_pipeline(read);
  require_task_items(read.recipe);
  return Pipeline(read, quiet).run();
}

}  // namespace caravan::recipes
