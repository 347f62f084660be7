#include "recipes/commands/evaluate.h"

#include <algorithm>
#include <iostream>
#include <optional>

#include "data/choice_name.h"
#include "data/error.h"
#include "data/walk/whole_file.h"
#include "recipes/device.h"
#include "recipes/evaluation/builtin_tasks.h"
#include "recipes/evaluation/evaluate_model.h"
#include "recipes/evaluation/evaluate_models.h"
#include "recipes/evaluation/task_report.h"
#include "trainer/checkpoint/run_lock.h"
#include "trainer/stop_request.h"

namespace caravan::recipes {
namespace {

const std::string kUsage =
    std::string(
        "caravan evaluate --model DIR --tasks NAME[,NAME...] [options] [TASK.KEY=VALUE ...]\n"
        "caravan evaluate RECIPE.yaml [--quiet] [key=value ...]\n"
        "\n"
        "Asks a model the items of tasks, and tells how well it does: a table on stdout, and under --out "
        "every sample and\n"
        "results.json. A task is a YAML file: one of those built in (--list), or a path to one of your own. "
        "A recipe "
        "of\n"
        "stage: evaluate asks several models (keys: caravan describe stage-evaluate); its table has a column "
        "for each.\n"
        "  --task NAME ...           tasks one by one: for paths with commas\n"
        "  --data DIR                where the tasks' files lie; default: the current folder, for a task "
        "file "
        "of your own its folder\n"
        "  --out DIR                 results.json, samples/TASK.jsonl.zst and tensorboard/; a run that was "
        "stopped goes on "
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
  std::vector<std::string> more_tasks;
  bool release = false, list = false, quiet = false;
  std::optional<std::int64_t> limit, batch_tokens = 8192, batch_size = 32;
  std::optional<std::string> dtype;
  DeviceFlag device;
  std::vector<std::string> overrides;

  std::vector<std::string> task_words() const {
    std::vector<std::string> words = more_tasks;
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
  flags.add_texts("--task", parsed.more_tasks);
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

bool names_recipe(std::span<const std::string> args) {
  return !args.empty() && !args[0].starts_with("-") &&
         (args[0].ends_with(".yaml") || args[0].ends_with(".yml"));
}

int run_recipe(std::span<const std::string> args, std::ostream& out) {
  bool quiet = false;
  std::vector<std::string> overrides;
  CommandFlags flags("evaluate", kUsage);
  flags.add_switch("--quiet", quiet);
  flags.add_overrides(overrides);
  if (!flags.parse(args.subspan(1))) return 0;
  evaluate_models(read_evaluation_recipe(args[0], overrides), quiet, out);
  return 0;
}

}  // namespace

int run_evaluate(std::span<const std::string> args, std::ostream& out) {
  if (names_recipe(args)) return run_recipe(args, out);
  EvaluateArgs parsed;
  if (!parse(args, parsed)) return 0;
  if (parsed.list) {
    list_tasks(out);
    return 0;
  }
  std::vector<ReadTask> tasks = read_tasks(parsed.task_words(), parsed.overrides);
  if (!parsed.release) refuse_unseen(tasks, "add --release for a model that is to be released");
  std::optional<trainer::RunLock> lock;
  if (!parsed.out.empty()) {
    data::make_folder(parsed.out);
    lock.emplace(parsed.out);
  }
  const trainer::StopRequest stop(true);
  const TaskSet set = read_task_set(std::move(tasks), parsed.data, parsed.limit.value_or(0));
  const std::vector<trainer::TaskResult> results =
      evaluate_model({.model = parsed.model,
                      .out = parsed.out,
                      .chat_template = parsed.chat_template,
                      .dtype = parsed.dtype,
                      .device = parsed.device.resolve("evaluate"),
                      .batch_tokens = *parsed.batch_tokens,
                      .batch_size = *parsed.batch_size,
                      .quiet = parsed.quiet},
                     set);
  out << task_table(results);
  out.flush();
  if (!parsed.out.empty() && !parsed.quiet)
    std::cerr << "caravan: evaluate: every answer, with its verdict and why: " << parsed.out
              << "/samples/*.jsonl.zst (zstd -dc shows them)\n";
  require_no_doubt(results);
  return 0;
}

int run_evaluate(std::span<const std::string> args) {
  return run_evaluate(args, std::cout);
}

}  // namespace caravan::recipes
