#include "recipes/pipeline/pipeline_state.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "data/error.h"
#include "data/walk/whole_file.h"

namespace caravan::recipes {
namespace {

using nlohmann::ordered_json;

ordered_json to_json(const StageRecord& record) {
  ordered_json json{{"stage", record.stage},         {"attempt", record.attempt}, {"dir", record.dir},
                    {"state", record.state},         {"began", record.began},     {"ended", record.ended},
                    {"exit_code", record.exit_code}, {"with", record.with},       {"scores", record.scores},
                    {"decision", record.decision},   {"reasons", record.reasons}};
  if (!record.failed_tasks.empty()) json["failed_tasks"] = record.failed_tasks;
  return json;
}

StageRecord from_json(const ordered_json& json) {
  StageRecord record;
  json.at("stage").get_to(record.stage);
  json.at("attempt").get_to(record.attempt);
  json.at("dir").get_to(record.dir);
  json.at("state").get_to(record.state);
  json.at("began").get_to(record.began);
  json.at("ended").get_to(record.ended);
  json.at("exit_code").get_to(record.exit_code);
  json.at("with").get_to(record.with);
  json.at("scores").get_to(record.scores);
  if (json.contains("failed_tasks")) json["failed_tasks"].get_to(record.failed_tasks);
  json.at("decision").get_to(record.decision);
  json.at("reasons").get_to(record.reasons);
  return record;
}

}  // namespace

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

PipelineState::PipelineState(std::string dir) : dir_(std::move(dir)) {
  const std::string path = dir_ + "/pipeline.json";
  std::ifstream file(path, std::ios::binary);
  if (!file && errno == ENOENT) return;
  // Without it the pipeline would begin anew in the folder of what is done.
  if (!file)
    throw data::Error(data::Error::Kind::kInputOutput,
                      path + ": cannot be read: " + std::strerror(errno) + "; check its permissions");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  try {
    const ordered_json root = ordered_json::parse(text);
    for (const ordered_json& record : root.at("stages")) records_.push_back(from_json(record));
  } catch (const ordered_json::exception& error) {
    throw data::Error(
        data::Error::Kind::kData,
        path + ": " + error.what() +
            "; it is written by caravan alone: put back the file as it was, or start in another run.dir");
  }
}

const StageRecord* PipelineState::newest(const std::string& stage) const {
  const auto found = std::find_if(records_.rbegin(), records_.rend(),
                                  [&](const StageRecord& record) { return record.stage == stage; });
  return found == records_.rend() ? nullptr : &*found;
}

const StageRecord* PipelineState::newest_scored(const std::string& stage) const {
  const auto found = std::find_if(records_.rbegin(), records_.rend(), [&](const StageRecord& record) {
    return record.stage == stage && !record.scores.empty();
  });
  return found == records_.rend() ? nullptr : &*found;
}

std::int64_t PipelineState::times_back(const std::string& gate_of) const {
  return std::count_if(records_.begin(), records_.end(), [&](const StageRecord& record) {
    return record.stage == gate_of && record.decision.starts_with("back to ");
  });
}

StageRecord& PipelineState::begin(const std::string& stage, std::size_t number,
                                  std::map<std::string, std::string> with) {
  const StageRecord* before = newest(stage);
  StageRecord record{.stage = stage, .with = std::move(with)};
  record.attempt = before == nullptr ? 1 : before->attempt + 1;
  record.dir = std::to_string(number) + '-' + stage;
  if (record.attempt > 1) record.dir += '.' + std::to_string(record.attempt);
  record.began = utc_now();
  records_.push_back(std::move(record));
  return records_.back();
}

void PipelineState::save() const {
  ordered_json stages = ordered_json::array();
  for (const StageRecord& record : records_) stages.push_back(to_json(record));
  const ordered_json root{{"caravan", CARAVAN_VERSION}, {"stages", std::move(stages)}};
  data::write_whole_file(dir_ + "/pipeline.json",
                         root.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n", {true, {}});
}

}  // namespace caravan::recipes
