#include "recipes/pipeline/gate.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "data/bounded_json.h"
#include "data/error.h"

namespace caravan::recipes {
namespace {

using nlohmann::json;

std::string rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

[[noreturn]] void refuse(const std::string& path, const std::string& found) {
  throw data::Error(data::Error::Kind::kData,
                    path + ": " + found + "; scores are finite numbers by name, as in {\"gsm8k\": 0.61}");
}

json read_root(const std::string& path) {
  constexpr std::size_t kMax = 16u << 20;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw data::Error(data::Error::Kind::kInputOutput, path + ": cannot be read");
  std::string text(kMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMax) refuse(path, "holds more than 16 MiB");
  const json root = data::parse_bounded_json<json>(text);
  if (!root.is_object()) refuse(path, "holds no JSON object");
  return root;
}

// As a table of results has it, without what stands behind the task.
std::string task_of(const std::string& name) {
  return name.substr(0, name.find('/'));
}

}  // namespace

StageScores read_stage_scores(const std::string& path) {
  const json root = read_root(path);
  StageScores read;
  for (const auto& [name, value] : (root.contains("metrics") ? root["metrics"] : root).items()) {
    // A figure that is not finite is written so: it was not measured.
    if (value.is_null()) continue;
    if (!value.is_number() || !std::isfinite(value.get<double>()))
      refuse(path, "\"" + name + "\" is no number");
    read.scores[name] = value.get<double>();
  }
  // The metric that speaks for a task.
  const json tasks = root.value("tasks", json::object());
  for (const auto& [task, result] : tasks.items()) {
    const auto main = read.scores.find(task + "/" + (result.is_object() ? result.value("main", "") : ""));
    if (main != read.scores.end()) read.scores[task] = main->second;
  }
  // A command may call a score so.
  const json failed = root.value("failed", json::object());
  if (failed.is_object())
    for (const auto& [task, reason] : failed.items())
      read.failed[task] = reason.is_string() ? reason.get<std::string>() : "it failed";
  // What nobody could tell is no score, though it is a number.
  std::erase_if(read.scores, [&](const auto& score) { return read.failed.contains(task_of(score.first)); });
  return read;
}

Comparison parse_comparison(const std::string& text) {
  const auto refuse_text = [&] {
    throw data::Error(
        data::Error::Kind::kUsage,
        "not_worse_than: found \"" + text +
            "\"; allowed: previous or the name of a stage, then \"- NUMBER\", \"+ NUMBER\" or nothing");
  };
  Comparison comparison;
  const std::size_t end = text.find_first_of(" -+");
  comparison.stage = text.substr(0, end);
  if (comparison.stage.empty()) refuse_text();
  if (end == std::string::npos) return comparison;
  const std::size_t sign = text.find_first_not_of(' ', end);
  if (sign == std::string::npos) return comparison;
  if (text[sign] != '-' && text[sign] != '+') refuse_text();
  const std::size_t begin = text.find_first_not_of(' ', sign + 1);
  if (begin == std::string::npos) refuse_text();
  const char* const last = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data() + begin, last, comparison.forgiven);
  if (error != std::errc() || at != last || !std::isfinite(comparison.forgiven) || comparison.forgiven < 0.0)
    refuse_text();
  if (text[sign] == '+') comparison.forgiven = -comparison.forgiven;
  return comparison;
}

GateVerdict judge(const GateOptions& gate, const Scores& scores, const Scores& earlier,
                  const FailedTasks& failed) {
  GateVerdict verdict;
  const auto look = [&](bool passed, const std::string& sentence) {
    verdict.passed = verdict.passed && passed;
    verdict.reasons.push_back(sentence);
  };
  for (const auto& [name, least] : gate.min) {
    const auto found = scores.find(name);
    if (found == scores.end()) {
      const auto why = failed.find(task_of(name));
      look(false, name + " was not measured" + (why == failed.end() ? "" : ": " + why->second));
      continue;
    }
    const bool passed = found->second >= least;
    look(passed,
         name + " " + rounded(found->second) + (passed ? " reaches " : " is below ") + rounded(least));
  }
  if (gate.not_worse_than.empty()) return verdict;
  const auto [stage, forgiven] = parse_comparison(gate.not_worse_than);
  bool any = false;
  for (const auto& [name, before] : earlier) {
    const auto found = scores.find(name);
    if (name.find('/') != std::string::npos) continue;
    if (const auto reason = failed.find(name); reason != failed.end()) {
      look(false, name + " was not measured: " + reason->second);
      any = true;
    }
    if (found == scores.end()) continue;
    any = true;
    const bool passed = found->second >= before - forgiven;
    std::string margin;
    if (forgiven > 0.0) margin = ", less " + rounded(forgiven) + " forgiven";
    if (forgiven < 0.0) margin = ", " + rounded(-forgiven) + " more asked for";
    const char* const words = passed           ? " after "
                              : forgiven < 0.0 ? " is too little after "
                                               : " is worse than ";
    look(passed, name + " " + rounded(found->second) + words + rounded(before) + margin);
  }
  if (!any) look(false, "no task in common with " + stage + ", so nothing says whether it is worse");
  return verdict;
}

}  // namespace caravan::recipes
