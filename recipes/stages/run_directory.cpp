#include "recipes/stages/run_directory.h"

#include <ATen/Parallel.h>
#include <unistd.h>

#include "recipes/field_list.h"
#include "recipes/resolved_recipe.h"
#include "recipes/run_state.h"
#include "recipes/versions.h"
#include "trainer/error.h"
#include "trainer/metrics/jsonl_sink.h"
#include "trainer/metrics/tensorboard_sink.h"

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
  has_recipe_ = find_earlier_recipe(recipe, path_);
}

void RunDirectory::go_on_from(const Recipe& recipe, const std::optional<trainer::FoundCheckpoint>& checkpoint,
                              int passed_over) {
  if (!has_recipe_ && !checkpoint) require_own_files(path_);
  if (!is_finished()) require_a_way_on(checkpoint.has_value(), passed_over);
  if (checkpoint)
    require_same_recipe(recipe, checkpoint->recipe_yaml, (checkpoint->path / "recipe.yaml").string());
  if (recipe.run.resume == trainer::Resume::kRequired && !checkpoint && !is_finished())
    throw Error(
        Error::Kind::kUsage,
        path_.string() + ": there is no complete checkpoint to go on from and run.resume is required");
  trainer::replace_file(path_ / "recipe.yaml", resolved_yaml(recipe));
  fs::create_directories(path_ / "data");
}

// A run that was killed leaves no step folder that is not complete, and final/ comes whole or not at all.
void RunDirectory::require_a_way_on(bool has_checkpoint, int passed_over) const {
  if (passed_over > 0 && !has_checkpoint)
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
  return is_finished_run(path_);
}

bool RunDirectory::is_card_open() const {
  return fs::exists(path_ / "run.json") && trainer::is_card_open(path_ / "run.json");
}

void RunDirectory::start(const Recipe& recipe, const trainer::RunIdentity& identity,
                         const std::vector<std::string>& command, const std::string& device,
                         std::int64_t num_steps, std::int64_t last_step) {
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
  if (recipe.row_kind() == data::RowKind::kPair) margins_.emplace(path_ / "margins.jsonl", last_step);
  if (last_step > 0) totals_.recall(path_ / "metrics.jsonl");
  sinks_.push_back(std::make_unique<trainer::TensorboardSink>(path_ / "tensorboard", last_step));
  trainer::ConsoleOptions console;
  console.num_steps = num_steps;
  console.first_step = last_step + 1;
  console.log_every = recipe.run.log_every;
  console.record = [this](const std::string& line) { log_.detail(line); };
  auto sink = std::make_unique<trainer::ConsoleSink>(terminal_, console);
  console_ = sink.get();
  sinks_.push_back(std::move(sink));
}

std::string RunDirectory::summary() const {
  const auto wall = std::chrono::steady_clock::now() - opened_;
  return totals_.summary(std::chrono::duration<double>(wall).count());
}

void RunDirectory::set_activity(const std::string& text) {
  if (console_ != nullptr) console_->set_activity(text);
}

void RunDirectory::report(std::int64_t step, const std::vector<trainer::MetricValue>& values) {
  totals_.write(step, values);
  for (const auto& sink : sinks_) sink->write(step, values);
}

void RunDirectory::report_margins(std::int64_t step,
                                  const std::vector<std::pair<std::string, double>>& margins) {
  if (margins_) margins_->write(step, margins);
}

void RunDirectory::flush() {
  if (margins_) margins_->flush();
  for (const auto& sink : sinks_) sink->flush();
}

void RunDirectory::finish(const std::string& outcome, std::int64_t last_step, const std::string& reason,
                          const std::map<std::string, std::string>& final_hashes) {
  flush();
  terminal_.finish_status();
  trainer::close_run_card(path_ / "run.json", {outcome, reason, last_step, std::chrono::system_clock::now(),
                                               totals_.to_json(), final_hashes});
  card_open_ = false;
  log_.flush();
}

void RunDirectory::fail(const std::string& error, std::int64_t last_step) noexcept {
  if (!card_open_) return;
  try {
    finish("failed", last_step, error);
  } catch (...) {
    // The error that ended the run is the one to tell; a disk that is full cannot take the card either.
  }
}

}  // namespace caravan::recipes
