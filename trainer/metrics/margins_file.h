// margins.jsonl: how far the chosen answer of each pair won when its step saw it, one object a step:
// {"step":12,"rows":["pairs.jsonl:17",...],"margins":[0.25,...]}. For `caravan data worst`.
//
// It survives a restart as metrics.jsonl does: rows of steps that the resumed run does again are cut off.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "trainer/metrics/append_file.h"

namespace caravan::trainer {

class MarginsFile {
 public:
  MarginsFile(const std::filesystem::path& path, std::int64_t last_step);
  // A row's name ("pairs.jsonl:17") and its margin.
  void write(std::int64_t step, const std::vector<std::pair<std::string, double>>& margins);
  void flush() { file_.sync(); }

 private:
  AppendFile file_;
};

}  // namespace caravan::trainer
