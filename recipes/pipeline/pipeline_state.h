// What a pipeline has done: pipeline.json, written anew at every change, so that a pipeline that was stopped
// or killed goes on where it was.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "recipes/pipeline/gate.h"

namespace caravan::recipes {

// One run of one stage.
struct StageRecord {
  std::string stage = {};
  std::int64_t attempt = 1;            // of this stage
  std::string dir = {};                // within the pipeline's folder
  std::string state = "running";       // running, stopped, failed, done
  std::string began = {}, ended = {};  // UTC
  int exit_code = 0;
  std::map<std::string, std::string> with = {};  // keys that a gate set when it went back here
  Scores scores = {};
  FailedTasks failed_tasks = {};
  std::string decision = {};  // "go on", "stop", "back to STAGE"; empty before the gate
  std::vector<std::string> reasons = {};
};

class PipelineState {
 public:
  // Reads DIR/pipeline.json where there is one. Throws data::Error (data) where it is damaged.
  explicit PipelineState(std::string dir);

  bool empty() const { return records_.empty(); }
  StageRecord& last() { return records_.back(); }
  const std::vector<StageRecord>& records() const { return records_; }
  // The newest of a stage, or null.
  const StageRecord* newest(const std::string& stage) const;
  // The newest of a stage that has scores, or null.
  const StageRecord* newest_scored(const std::string& stage) const;
  std::int64_t times_back(const std::string& gate_of) const;
  // `number`: the stage's place in the recipe, from 1, which its folder begins with.
  StageRecord& begin(const std::string& stage, std::size_t number, std::map<std::string, std::string> with);
  void save() const;

  std::string path_of(const StageRecord& record) const { return dir_ + "/" + record.dir; }

 private:
  std::string dir_;
  std::vector<StageRecord> records_;
};

// "2026-01-31T12:00:00Z"
std::string utc_now();

}  // namespace caravan::recipes
