#include "recipes/pipeline/stage_words.h"

#include <algorithm>

#include "data/error.h"

namespace caravan::recipes {
namespace {

bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// {"sft", "model"} of "sft.model", or nothing where it is another text in braces, as of YAML or of a
// template.
bool split_reference(std::string_view inside, std::string_view& stage, std::string_view& what) {
  const std::size_t dot = inside.find('.');
  if (dot == std::string_view::npos) return false;
  stage = inside.substr(0, dot);
  what = inside.substr(dot + 1);
  return is_name(stage) && is_name(what);
}

std::string place_of(std::string_view stage, std::string_view what, const std::string& run_dir,
                     const FindStage& find) {
  if (stage == "run" && what == "dir") return run_dir;
  const StagePlace place = find(std::string(stage));
  if (what == "dir") return place.dir;
  if (what == "model" && !place.makes_rows) return place.dir + "/final";
  if (what == "out" && place.makes_rows) return place.dir + "/train.jsonl";
  throw data::Error(
      data::Error::Kind::kUsage,
      "{" + std::string(stage) + "." + std::string(what) +
          "}: allowed: .dir of any stage, .model of one that trains, .out of one that makes rows");
}

}  // namespace

bool makes_rows(const std::string& kind) {
  return kind == "data" || kind == "synthesize" || kind == "prefer";
}

std::string fill_in(const std::string& text, const std::string& run_dir, const FindStage& find) {
  std::string filled;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text[at] == '{' ? text.find('}', at) : std::string::npos;
    std::string_view stage, what;
    if (end != std::string::npos &&
        split_reference(std::string_view(text).substr(at + 1, end - at - 1), stage, what)) {
      filled += place_of(stage, what, run_dir, find);
      at = end + 1;
    } else {
      filled += text[at++];
    }
  }
  return filled;
}

std::vector<std::string> stage_overrides(const PipelineStage& stage, const std::string& kind,
                                         const StageRecord& record, const std::string& dir,
                                         const std::string& run_dir, const FindStage& find) {
  std::map<std::string, std::string> keys = stage.with;
  for (const auto& [key, value] : record.with) keys[key] = value;
  if (!stage.model.empty()) keys["model.path"] = "{" + stage.model + ".model}";
  keys["run.dir"] = dir;
  if (makes_rows(kind)) keys["out"] = dir + "/train.jsonl";
  if (kind == "release") keys["pipeline"] = run_dir;
  std::vector<std::string> words;
  for (const auto& [key, value] : keys) words.push_back(key + "=" + fill_in(value, run_dir, find));
  return words;
}

}  // namespace caravan::recipes
