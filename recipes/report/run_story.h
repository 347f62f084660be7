// What the folder of a run, or of a pipeline, tells of how a model came about: stages, data, scores, gates.
// For `caravan report` and the card of a released model.
//
// Only files that runs write are read, and all of them may be missing: what is there is told. Memory does not
// grow with the number of rows. Free of LibTorch.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/message.h"

namespace caravan::recipes {

struct RowCount {
  std::string name;
  std::uint64_t rows = 0;
};
// What became of the rows of one step: rows that were kept first, then reasons, most rows first.
struct StepFates {
  std::string step;
  std::uint64_t rows = 0;
  std::vector<RowCount> fates;
};

struct TaskScore {
  std::string task, metric, suite;
  double value = 0.0, low = 0.0, high = 0.0;
  std::int64_t items = 0;
  bool is_main = false;  // it speaks for the task
};
struct EvaluationStory {
  std::filesystem::path dir;
  std::int64_t step = -1;  // of the run; -1: of its result
  std::vector<TaskScore> scores;
};

struct StageStory {
  std::string name, kind;  // kind: sft, data, ...; empty for a command
  std::filesystem::path dir;
  std::int64_t attempt = 1;
  std::string state, began, ended, decision;
  std::vector<std::string> reasons, with;
  data::Json card = nullptr;  // run.json
  std::string recipe;         // resolved
  std::vector<StepFates> data;
  std::vector<EvaluationStory> evaluations;  // by step, that of the result last
};

struct RunStory {
  std::filesystem::path dir;
  bool is_pipeline = false;
  std::vector<StageStory> stages;  // in the order in which they ran, attempts that were not kept included
};

// The results.json of a folder that caravan evaluate wrote.
EvaluationStory read_evaluation(const std::filesystem::path& dir, std::int64_t step);

// `dir`: a folder with pipeline.json, or with run.json, ledger.json or metrics.jsonl. Throws data::Error: a
// folder of something else (usage), a file that is damaged (data).
RunStory read_story(const std::filesystem::path& dir);

}  // namespace caravan::recipes
