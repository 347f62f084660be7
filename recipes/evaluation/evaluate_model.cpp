#include "recipes/evaluation/evaluate_model.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>

#include "data/error.h"
#include "data/sha256.h"
#include "models/generation/generator.h"
#include "recipes/evaluation/task_report.h"
#include "recipes/model_front.h"
#include "recipes/resolved_recipe.h"
#include "recipes/stages/input_hashes.h"
#include "recipes/text_front.h"
#include "recipes/versions.h"
#include "trainer/evaluation/task_evaluator.h"
#include "trainer/metrics/append_file.h"
#include "trainer/metrics/tensorboard_sink.h"
#include "trainer/metrics/terminal.h"
#include "trainer/stop_request.h"

namespace caravan::recipes {
namespace {

namespace fs = std::filesystem;
using data::Json;

class Evaluation {
 public:
  Evaluation(const EvaluateOptions& options, const TaskSet& set)
      : options_(options), set_(set), terminal_(trainer::detect_terminal(2, options.quiet)) {
    front_ = load_text_front(options.model, "", options.chat_template, set.needs_template());
    model_ = load_model(options.model, options.dtype, options.device);
    if (!options.out.empty()) hashes_ = hash_files(checkpoint_files(options.model, "", true));
    terminal_.print("caravan: evaluate: " + describe_model(*model_));
  }

  std::vector<trainer::TaskResult> run() {
    trainer::UnitShards units(*model_);
    const data::ItemTokens tokens(*front_.tokenizer, front_.chat_template ? &*front_.chat_template : nullptr,
                                  front_.variables, today());
    trainer::TaskEvaluator evaluator(
        units, tokens, models::stop_ids_of(model_->config(), models::read_generation_config(options_.model)),
        {.batch_tokens = options_.batch_tokens, .batch_size = options_.batch_size});
    for (std::size_t i = 0; i < set_.tasks.size(); ++i) {
      const data::TaskOptions& task = set_.tasks[i].task;
      trainer::SampleStore store = open_store(task, set_.items[i]);
      const auto progress = [&](std::int64_t done, std::int64_t all) {
        terminal_.set_status(task.name + " " + std::to_string(done) + "/" + std::to_string(all));
        return trainer::StopRequest::requested();
      };
      results_.push_back(ask(evaluator, task, set_.items[i], store, progress));
      terminal_.set_status("");
      write_results();
    }
    write_tensorboard();
    return std::move(results_);
  }

 private:
  // What is wrong with one task says nothing of the others.
  static trainer::TaskResult ask(trainer::TaskEvaluator& evaluator, const data::TaskOptions& task,
                                 const data::TaskItems& items, trainer::SampleStore& store,
                                 const trainer::TaskEvaluator::Progress& progress) {
    try {
      return evaluator.run(task, items.items(), store, progress);
    } catch (const data::Error& error) {
      if (error.kind() != data::Error::Kind::kData) throw;
      trainer::TaskResult failed{.task = task.name, .metrics = {}};
      failed.doubt = error.what();
      return failed;
    }
  }

  trainer::SampleStore open_store(const data::TaskOptions& task, const data::TaskItems& items) const {
    if (options_.out.empty()) return {};
    // A list: files of one name may lie in several folders.
    Json files = Json::array();
    for (const data::TaskFile& file : items.files())
      files.push_back({{"name", fs::path(file.path).filename().string()}, {"sha256", file.sha256}});
    // Where the files lie is no part of what was asked.
    data::TaskOptions asked = task;
    asked.data.clear();
    asked.few_shot.data.clear();
    const Json identity{{"task", data::sha256_hex(resolved_yaml(asked))},
                        {"files", std::move(files)},
                        {"model", hashes_},
                        {"tokenizer", front_.tokenizer->fingerprint()},
                        {"chat_template", task.chat ? front_.chat_template->fingerprint() : ""},
                        {"dtype", model_->dtype() == at::kBFloat16 ? "bf16" : "fp32"},
                        {"limit", set_.max_items}};
    trainer::SampleStore store(fs::path(options_.out) / "samples", task.name, identity);
    if (store.num_kept() > 0)
      std::cerr << "caravan: evaluate: " << store.num_kept() << " samples of " << task.name
                << " are there already" << std::endl;
    return store;
  }

  void write_results() const {
    if (options_.out.empty()) return;
    Json json = results_json(results_);
    json["model"] = {{"path", options_.model}, {"sha256", hashes_}};
    json["versions"] = linked_versions();
    for (const ReadTask& read : set_.tasks) json["recipes"][read.task.name] = resolved_yaml(read.task);
    trainer::replace_file(fs::path(options_.out) / "results.json", json.dump(1) + "\n");
  }

  // The scores of this call alone: TensorBoard shows all files of a folder.
  void write_tensorboard() const {
    if (options_.out.empty()) return;
    const fs::path folder = fs::path(options_.out) / "tensorboard";
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored))
      if (entry.path().filename().string().starts_with("events.out.tfevents.")) fs::remove(entry.path());
    trainer::TensorboardSink sink(folder, 0);
    for (const trainer::TaskResult& result : results_) sink.write(0, metric_values(result));
    sink.flush();
  }

  const EvaluateOptions& options_;
  const TaskSet& set_;
  trainer::Terminal terminal_;
  TextFront front_;
  std::unique_ptr<models::Llama> model_;
  std::map<std::string, std::string> hashes_;
  std::vector<trainer::TaskResult> results_;
};

}  // namespace

bool TaskSet::needs_template() const {
  return std::ranges::any_of(tasks, [](const ReadTask& read) { return read.task.chat; });
}

TaskSet read_task_set(std::vector<ReadTask> tasks, const std::string& folder, std::int64_t max_items) {
  TaskSet set{std::move(tasks), {}, max_items};
  for (const ReadTask& read : set.tasks) {
    const std::string own = read.folder.empty() ? "." : read.folder.string();
    set.items.emplace_back(read.task, folder.empty() ? own : folder, static_cast<std::size_t>(max_items));
  }
  return set;
}

std::vector<trainer::TaskResult> evaluate_model(const EvaluateOptions& options, const TaskSet& set) {
  return Evaluation(options, set).run();
}

void require_no_doubt(const std::vector<trainer::TaskResult>& results) {
  std::string text;
  for (const trainer::TaskResult& result : results)
    if (!result.doubt.empty()) text += (text.empty() ? "" : "\n") + result.doubt;
  if (!text.empty()) throw data::Error(data::Error::Kind::kData, text);
}

}  // namespace caravan::recipes
