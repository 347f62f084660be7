#include "recipes/stages/run_directory.h"

#include <ATen/Parallel.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "models/weights/output_file.h"
#include "recipes/field_list.h"
#include "recipes/read_recipe.h"
#include "recipes/resolved_recipe.h"
#include "recipes/versions.h"
#include "trainer/error.h"

namespace caravan::recipes {

namespace fs = std::filesystem;
using trainer::Error;

namespace {

fs::path make_directory(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error)
    throw Error(Error::Kind::kInputOutput,
                path + ": the run directory cannot be made: " + error.message() + "; choose another run.dir");
  return path;
}

std::optional<std::string> read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The recipe of an earlier launch must mean the same in everything that changes results.
void require_same_recipe(const Recipe& now, const std::string& before_yaml, const std::string& where) {
  const ReadRecipe before = read_recipe_text(before_yaml, where, fs::path("/"));
  const auto changes = recipe_difference(before.recipe, now);
  const auto breaking = breaking_changes(changes);
  if (breaking.empty()) return;
  throw Error(Error::Kind::kUsage,
              where + ": this run was started with another recipe, so going on would not repeat it:\n" +
                  difference_text(breaking) + "restore these values, or choose another run.dir");
}

// What a run writes and would replace or cut. Where nothing says that a run of ours made it, it is
// somebody's.
void require_own_files(const fs::path& dir) {
  std::string found;
  for (const char* name :
       {"final", "checkpoints", "metrics.jsonl", "run.json", "tensorboard", "data/ledger.jsonl"}) {
    std::error_code ignored;
    if (fs::exists(fs::symlink_status(dir / name, ignored)))
      found += (found.empty() ? "" : ", ") + std::string(name);
  }
  if (found.empty()) return;
  throw Error(Error::Kind::kUnsafe,
              dir.string() + ": holds " + found +
                  " but no recipe.yaml, so no run made it, and training would replace it; "
                  "choose another run.dir, or move these away");
}

// Every key that has a value; texts without the quotes that a recipe puts around them.
std::vector<std::pair<std::string, std::string>> card_recipe(const Recipe& recipe) {
  std::vector<std::pair<std::string, std::string>> keys;
  for (const FieldEntry& entry : list_fields(recipe)) {
    std::string value = entry.value;
    if (value.starts_with('"')) {
      const auto text = nlohmann::json::parse(value, nullptr, false);
      if (text.is_string()) value = text.get<std::string>();
    }
    if (!value.empty()) keys.emplace_back(entry.key, value);
  }
  return keys;
}

}  // namespace

RunDirectory::RunDirectory(const Recipe& recipe, trainer::Terminal& terminal)
    : path_(make_directory(recipe.run.dir)),
      terminal_(terminal),
      lock_(path_),
      log_(terminal, path_ / "log.txt") {
  const fs::path recipe_file = path_ / "recipe.yaml";
  const auto before = read_text(recipe_file);
  if (recipe.run.resume == trainer::Resume::kNever && before)
    throw Error(Error::Kind::kUsage,
                path_.string() +
                    ": there is a run in this directory and run.resume is never; choose another run.dir");
  if (before) require_same_recipe(recipe, *before, recipe_file.string());
  int passed_over = 0;
  checkpoint_ = trainer::newest_checkpoint(path_, [&](const std::string& text) {
    ++passed_over;
    log_.warn(text);
  });
  if (!before && !checkpoint_) require_own_files(path_);
  if (!is_finished()) require_a_way_on(passed_over);
  if (checkpoint_)
    require_same_recipe(recipe, checkpoint_->recipe_yaml, (checkpoint_->path / "recipe.yaml").string());
  if (recipe.run.resume == trainer::Resume::kRequired && !checkpoint_ && !is_finished())
    throw Error(
        Error::Kind::kUsage,
        path_.string() + ": there is no complete checkpoint to go on from and run.resume is required");
  trainer::replace_file(recipe_file, resolved_yaml(recipe));
  fs::create_directories(path_ / "data");
}

// A run that was killed leaves no step folder that is not complete, and final/ comes whole or not at all.
void RunDirectory::require_a_way_on(int passed_over) const {
  if (passed_over > 0 && !checkpoint_)
    throw Error(Error::Kind::kData,
                (path_ / "checkpoints").string() + ": " + std::to_string(passed_over) +
                    " found and none is complete, so the run cannot go on, and starting over "
                    "would overwrite it; restore one, or choose another run.dir");
  const fs::path final_dir = path_ / "final";
  std::error_code ignored;
  if (fs::exists(final_dir, ignored) && (!fs::is_directory(final_dir) || !fs::is_empty(final_dir)))
    throw Error(Error::Kind::kUnsafe,
                final_dir.string() +
                    ": is there without config.json, so this run did not write it, and the "
                    "result would replace it; move it away, or choose another run.dir");
}

bool RunDirectory::is_finished() const {
  return fs::exists(path_ / "final" / "config.json");
}

void RunDirectory::start(const Recipe& recipe, const trainer::RunIdentity& identity,
                         const std::vector<std::string>& command, const std::string& device,
                         std::int64_t total_steps, std::int64_t last_step) {
  trainer::Launch launch;
  launch.started = std::chrono::system_clock::now();
  launch.command = command;
  launch.working_directory = fs::current_path().string();
  launch.versions = linked_versions();
  launch.environment = trainer::relevant_environment(environ);
  launch.host = trainer::read_host_facts();
  launch.first_step = last_step + 1;
  launch.device = device;
  launch.threads = at::get_num_threads();
  launch.recipe = card_recipe(recipe);
  trainer::write_run_card(path_ / "run.json", identity, launch);
  card_open_ = true;
  sinks_.push_back(std::make_unique<trainer::JsonlSink>(path_ / "metrics.jsonl", last_step));
  sinks_.push_back(std::make_unique<trainer::TensorboardSink>(path_ / "tensorboard", last_step));
  trainer::ConsoleOptions console;
  console.total_steps = total_steps;
  console.first_step = last_step + 1;
  console.log_every = recipe.run.log_every;
  sinks_.push_back(std::make_unique<trainer::ConsoleSink>(terminal_, console));
}

void RunDirectory::report(std::int64_t step, const std::vector<trainer::MetricValue>& values) {
  totals_.write(step, values);
  for (const auto& sink : sinks_) sink->write(step, values);
}

void RunDirectory::save(const trainer::CheckpointContent& content, std::int64_t keep) {
  for (const auto& sink : sinks_) sink->flush();
  trainer::write_checkpoint(path_, content, keep);
  log_.info("checkpoint after step " + std::to_string(content.step) + " saved");
}

void RunDirectory::finish(const std::string& outcome, std::int64_t last_step, const std::string& reason,
                          const std::map<std::string, std::string>& final_hashes) {
  for (const auto& sink : sinks_) sink->flush();
  terminal_.finish_status();
  trainer::close_run_card(path_ / "run.json", {outcome, reason, last_step, std::chrono::system_clock::now(),
                                               totals_.to_json(), final_hashes});
  card_open_ = false;
  log_.flush();
}

void RunDirectory::fail(const std::string& error, std::int64_t last_step) noexcept {
  log_.record_error(error);
  if (!card_open_) return;
  try {
    finish("failed", last_step, error);
  } catch (...) {
    // The error that ended the run is the one to tell; a disk that is full cannot take the card either.
  }
}

}  // namespace caravan::recipes
