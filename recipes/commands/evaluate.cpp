#include "recipes/commands/evaluate.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>

#include "data/choice_name.h"
#include "data/error.h"
#include "data/evaluation/task_items.h"
#include "data/sha256.h"
#include "data/walk/whole_file.h"
#include "models/generation/generator.h"
#include "recipes/device.h"
#include "recipes/evaluation/builtin_tasks.h"
#include "recipes/evaluation/read_task.h"
#include "recipes/evaluation/task_report.h"
#include "recipes/model_front.h"
#include "recipes/resolved_recipe.h"
#include "recipes/stages/input_hashes.h"
#include "recipes/text_front.h"
#include "recipes/versions.h"
#include "trainer/error.h"
#include "trainer/evaluation/task_evaluator.h"
#include "trainer/metrics/append_file.h"
#include "trainer/metrics/terminal.h"
#include "trainer/stop_request.h"

namespace caravan::recipes {
namespace {

using data::Json;

const std::string kUsage =
    std::string(
        "caravan evaluate --model DIR --tasks NAME[,NAME...] [options] [TASK.KEY=VALUE ...]\n"
        "\n"
        "Asks a model the items of tasks, and tells how well it does: a table on stdout, and under --out "
        "every sample and\n"
        "results.json. A task is a YAML file: one of those built in (--list), or a path to one of your own.\n"
        "  --data DIR                where the tasks' files lie; default: the current folder, for a task "
        "file "
        "of your own its folder\n"
        "  --out DIR                 results.json and samples/TASK.jsonl.zst; a run that was stopped goes on "
        "from what is there\n"
        "  --limit N                 only the first N items of each file\n"
        "  --release                 the model is to be released: tasks of the unseen suite may run\n"
        "  --list                    the tasks that are built in\n"
        "  --dtype fp32|bf16         of weights and arithmetic; default: as the checkpoint is stored\n") +
    kDeviceUsage +
    "  --template NAME           chat template: a file of Jinja text or a built-in one; default: the "
    "checkpoint's\n"
    "  --batch-tokens N          tokens of a pass that scores (8192)\n"
    "  --batch-size B            sequences that are generated together (32)\n"
    "  --quiet                   no progress\n"
    "Figures are means over items, with their standard error and a 95 % interval by bootstrap. Items that "
    "cannot be asked (too\n"
    "long for the model, no prompt, no ground truth) are left out, counted and named.\n"
    "Exit codes: 0 done, 2 usage or a task file, 65 data, 70 numbers that are not finite, 71 out of memory, "
    "74 files or disk,\n"
    "75 stopped and resumable, 77 a task of the unseen suite without --release, or samples of something else "
    "in --out.\n";

struct EvaluateArgs {
  std::string model, tasks, data, out, chat_template = "auto";
  bool release = false, list = false, quiet = false;
  std::optional<std::int64_t> limit, batch_tokens = 8192, batch_size = 32;
  std::optional<std::string> dtype;
  DeviceFlag device;
  std::vector<std::string> overrides;

  std::vector<std::string> task_words() const {
    std::vector<std::string> words;
    for (std::size_t at = 0; at <= tasks.size();) {
      const std::size_t end = std::min(tasks.find(',', at), tasks.size());
      if (end > at) words.push_back(tasks.substr(at, end - at));
      at = end + 1;
    }
    return words;
  }
};

bool parse(std::span<const std::string> args, EvaluateArgs& parsed) {
  CommandFlags flags("evaluate", kUsage);
  flags.add_text("--model", parsed.model);
  flags.add_text("--tasks", parsed.tasks);
  flags.add_text("--data", parsed.data);
  flags.add_text("--out", parsed.out);
  flags.add_integer("--limit", parsed.limit, 1, INT64_C(1) << 40);
  flags.add_switch("--release", parsed.release);
  flags.add_switch("--list", parsed.list);
  flags.add_choice("--dtype", parsed.dtype, {"fp32", "bf16"});
  parsed.device.add_to(flags);
  flags.add_text("--template", parsed.chat_template);
  flags.add_integer("--batch-tokens", parsed.batch_tokens, 1, 1 << 24);
  flags.add_integer("--batch-size", parsed.batch_size, 1, 1 << 16);
  flags.add_switch("--quiet", parsed.quiet);
  flags.add_overrides(parsed.overrides);
  if (!flags.parse(args)) return false;
  if (parsed.list) return true;
  if (parsed.model.empty()) flags.refuse("--model is needed");
  if (parsed.task_words().empty()) flags.refuse("--tasks is needed; --list shows those that are built in");
  return true;
}

void list_tasks(std::ostream& out) {
  for (const BuiltinTask& builtin : builtin_tasks()) {
    const data::TaskOptions task = read_task_text(builtin.text, std::string(builtin.name));
    out << task.name << ": " << data::choice_name(task.kind) << ", " << data::choice_name(task.suite) << ", "
        << task.data << (task.published.empty() ? "" : " (" + task.published + ")") << '\n';
  }
}

// One command: items first, for what is missing there should not wait for a model to load.
class Evaluation {
 public:
  Evaluation(const EvaluateArgs& args, std::vector<ReadTask> tasks)
      : args_(args), tasks_(std::move(tasks)), terminal_(trainer::detect_terminal(2, args.quiet)) {
    for (const ReadTask& read : tasks_)
      items_.emplace_back(read.task, folder_of(read), static_cast<std::size_t>(args_.limit.value_or(0)));
    front_ = load_text_front(args_.model, "", args_.chat_template, needs_template());
    model_ = load_model(args_.model, args_.dtype, args_.device.resolve("evaluate"));
    if (!args_.out.empty()) hashes_ = hash_files(checkpoint_files(args_.model, "", true));
    terminal_.print("caravan: evaluate: " + describe_model(*model_));
  }

  void run(std::ostream& out) {
    trainer::UnitShards units(*model_);
    const data::ItemTokens tokens(*front_.tokenizer, front_.chat_template ? &*front_.chat_template : nullptr,
                                  front_.variables, today());
    trainer::TaskEvaluator evaluator(
        units, tokens, models::stop_ids_of(model_->config(), models::read_generation_config(args_.model)),
        {.batch_tokens = *args_.batch_tokens, .batch_size = *args_.batch_size});
    for (std::size_t i = 0; i < tasks_.size(); ++i) {
      const data::TaskOptions& task = tasks_[i].task;
      trainer::SampleStore store = open_store(task, items_[i]);
      const auto progress = [&](std::int64_t done, std::int64_t all) {
        terminal_.set_status(task.name + " " + std::to_string(done) + "/" + std::to_string(all));
        return trainer::StopRequest::requested();
      };
      results_.push_back(evaluator.run(task, items_[i].items(), store, progress));
      terminal_.set_status("");
      if (!results_.back().doubt.empty()) throw data::Error(data::Error::Kind::kData, results_.back().doubt);
      write_results();
    }
    out << task_table(results_);
    out.flush();
  }

 private:
  std::string folder_of(const ReadTask& read) const {
    if (!args_.data.empty()) return args_.data;
    return read.folder.empty() ? "." : read.folder.string();
  }
  bool needs_template() const {
    return std::ranges::any_of(tasks_, [](const ReadTask& read) { return read.task.chat; });
  }

  trainer::SampleStore open_store(const data::TaskOptions& task, const data::TaskItems& items) const {
    if (args_.out.empty()) return {};
    Json files = Json::object();
    for (const data::TaskFile& file : items.files())
      files[std::filesystem::path(file.path).filename().string()] = file.sha256;
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
                        {"limit", args_.limit.value_or(0)}};
    trainer::SampleStore store(std::filesystem::path(args_.out) / "samples", task.name, identity);
    if (store.num_kept() > 0)
      std::cerr << "caravan: evaluate: " << store.num_kept() << " samples of " << task.name
                << " are there already" << std::endl;
    return store;
  }

  void write_results() const {
    if (args_.out.empty()) return;
    Json json = results_json(results_);
    json["model"] = {{"path", args_.model}, {"sha256", hashes_}};
    json["versions"] = linked_versions();
    for (const ReadTask& read : tasks_) json["recipes"][read.task.name] = resolved_yaml(read.task);
    trainer::replace_file(std::filesystem::path(args_.out) / "results.json", json.dump(1) + "\n");
  }

  const EvaluateArgs& args_;
  std::vector<ReadTask> tasks_;
  trainer::Terminal terminal_;
  std::vector<data::TaskItems> items_;
  TextFront front_;
  std::unique_ptr<models::Llama> model_;
  std::map<std::string, std::string> hashes_;
  std::vector<trainer::TaskResult> results_;
};

}  // namespace

int run_evaluate(std::span<const std::string> args, std::ostream& out) {
  EvaluateArgs parsed;
  if (!parse(args, parsed)) return 0;
  if (parsed.list) {
    list_tasks(out);
    return 0;
  }
  std::vector<ReadTask> tasks = read_tasks(parsed.task_words(), parsed.overrides);
  if (!parsed.release) refuse_unseen(tasks, "add --release for a model that is to be released");
  if (!parsed.out.empty()) data::make_folder(parsed.out);
  const trainer::StopRequest stop(true);
  Evaluation(parsed, std::move(tasks)).run(out);
  return 0;
}

int run_evaluate(std::span<const std::string> args) {
  return run_evaluate(args, std::cout);
}

}  // namespace caravan::recipes
