#include "recipes/check_run.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "data/error.h"
#include "data/readers/detect.h"
#include "data/readers/file_list.h"
#include "data/readers/row.h"
#include "data/readers/row_stream.h"
#include "recipes/commands/nvidia_driver.h"
#include "recipes/cpu_build.h"
#include "recipes/reader/problem.h"
#include "recipes/run_state.h"
#include "trainer/error.h"

namespace caravan::recipes {
namespace {

namespace fs = std::filesystem;

// Rows of a file that are looked at, and files of a source.
constexpr std::size_t kMaxRows = 100, kMaxFiles = 100;

void check_device(const Recipe& recipe, RunCheck& check) {
  if (recipe.run.device != trainer::DeviceChoice::kCuda) return;
  std::string problem;
  if (!kBuiltForCuda)
    problem = kCpuBuild;
  else if (const DriverFacts driver = ask_nvidia_driver(); driver.gpus.empty())
    problem = driver.problem.empty() ? "the driver knows no GPU" : driver.problem;
  if (!problem.empty())
    check.failures.push_back({"run.device: cuda cannot be used here: " + problem +
                              ". Allowed here: cpu, or auto, which takes what there is"});
}

// Permissions alone do not tell: file systems refuse for reasons of their own.
void try_to_write(const fs::path& dir, RunCheck& check) {
  fs::path existing = dir;
  std::error_code ignored;
  while (!fs::exists(existing, ignored) && existing.has_relative_path()) existing = existing.parent_path();
  std::string trial = (existing / ".caravan-validate-XXXXXX").string();
  if (mkdtemp(trial.data()) != nullptr) {
    rmdir(trial.c_str());
    return;
  }
  check.failures.push_back({"run.dir: " + dir.string() + " cannot be made or written: " + existing.string() +
                                ": " + std::strerror(errno) + "; choose another folder",
                            74});
}

void check_folder(const Recipe& recipe, RunCheck& check) {
  const fs::path dir = recipe.run.dir;
  try_to_write(dir, check);
  std::error_code ignored;
  if (!fs::exists(dir, ignored)) return;
  try {
    const bool has_recipe = find_earlier_recipe(recipe, dir);
    const bool has_checkpoints = fs::exists(dir / "checkpoints", ignored);
    if (!has_recipe && !has_checkpoints) require_own_files(dir);
    if (is_finished_run(dir))
      check.notes.push_back(dir.string() + " holds a run that is done: train would only say so");
    else if (recipe.run.resume == trainer::Resume::kRequired && !has_checkpoints)
      check.failures.push_back(
          {dir.string() + ": there is no checkpoint to go on from and run.resume is required"});
    else if (has_recipe && has_checkpoints)
      check.notes.push_back("train would go on with the run in " + dir.string());
  } catch (const trainer::Error& error) {
    check.failures.push_back({error.what(), error.exit_code()});
  } catch (const RecipeError& error) {
    check.failures.push_back({error.what(), error.exit_code()});
  }
}

// Whether any of the first rows can be read; the first reason why not.
void look_at_rows(const std::string& path, data::RowFormat format, RunCheck& check) {
  data::RowStream stream(path, {.row_bytes = 16u << 20, .block_bytes = 1u << 20});
  data::RowBlock block;
  data::JsonRow json;
  data::TrainingRow parsed;
  std::string reason;
  std::size_t rows = 0;
  if (stream.next(block)) {
    for (std::size_t i = 0; i < std::min(block.rows.size(), kMaxRows); ++i) {
      const data::RowBlock::Row& row = block.rows[i];
      const data::RowContext context = data::context_of(row, "row", 0);
      const data::RowOutcome outcome =
          data::parse_training_row(block.text(row), format, context, json, parsed);
      if (outcome.fate == data::RowFate::kIgnored) continue;
      if (outcome.fate != data::RowFate::kDropped) return;
      if (rows++ == 0) reason = outcome.reasons.at(0);
    }
  }
  if (rows == 0)
    check.failures.push_back({path + ": holds no row; name a file with rows", 65});
  else
    check.notes.push_back(path + ": none of the first " + std::to_string(rows) + " rows can be read as " +
                          data::format_name(format) + ": " + reason);
}

void check_source(const data::SourceOptions& source, data::RowKind kind, RunCheck& check) {
  try {
    std::vector<std::string> files = data::list_files(source.path);
    if (files.size() > kMaxFiles) {
      check.notes.push_back(source.path + ": looked at the first " + std::to_string(kMaxFiles) + " of " +
                            std::to_string(files.size()) + " files");
      files.resize(kMaxFiles);
    }
    for (const std::string& file : files) {
      // What is read from a pipe is gone.
      std::error_code ignored;
      if (!fs::is_regular_file(file, ignored)) continue;
      const bool found = source.format == data::RowFormat::kAuto;
      look_at_rows(file, found ? data::detect_format(file, kind) : source.format, check);
    }
  } catch (const data::Error& error) {
    check.failures.push_back({error.what(), error.exit_code()});
  }
}

// That they are there is known; whoever copied them may have been somebody else.
void check_model_files(const Recipe& recipe, RunCheck& check) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(recipe.model.path, ignored)) {
    const fs::path& file = entry.path();
    const bool is_read =
        file.extension() == ".json" || file.extension() == ".safetensors" || file.extension() == ".model";
    if (is_read && access(file.c_str(), R_OK) != 0)
      check.failures.push_back({file.string() + ": cannot be read: " + std::strerror(errno), 74});
  }
}

}  // namespace

RunCheck check_run(const Recipe& recipe) {
  RunCheck check;
  check_device(recipe, check);
  check_folder(recipe, check);
  check_model_files(recipe, check);
  const data::RowKind kind = recipe.row_kind();
  for (const data::SourceOptions& source : recipe.data.sources) check_source(source, kind, check);
  for (const data::SourceOptions& source : recipe.evaluation.sources) check_source(source, kind, check);
  return check;
}

}  // namespace caravan::recipes
