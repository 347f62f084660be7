#include "recipes/evaluation/read_task.h"

#include <algorithm>

#include "data/error.h"
#include "recipes/evaluation/builtin_tasks.h"
#include "recipes/evaluation/check_task.h"
#include "recipes/nearest_name.h"
#include "recipes/reader/assignment.h"
#include "recipes/reader/field_reader.h"
#include "recipes/reader/overrides.h"

namespace caravan::recipes {
namespace {

[[noreturn]] void refuse(const std::string& text) {
  throw data::Error(data::Error::Kind::kUsage, text);
}

[[noreturn]] void refuse_unknown(const std::string& word) {
  std::vector<std::string_view> names;
  std::string listed;
  for (const BuiltinTask& task : builtin_tasks()) {
    names.push_back(task.name);
    listed += (listed.empty() ? "" : ", ") + std::string(task.name);
  }
  const auto near = nearest_name(word, names);
  refuse("there is no task \"" + word.substr(0, 80) + "\"; " +
         (near ? "did you mean " + std::string(*near) + "? " : "") + "known are " + listed +
         "; a task of your own is a file that ends in .yaml");
}

// Where a word's text comes from.
struct TaskText {
  std::string text, name;
  std::filesystem::path folder;
};

TaskText text_of(const std::string& word) {
  if (word.ends_with(".yaml") || word.ends_with(".yml") || word.find('/') != std::string::npos) {
    const std::filesystem::path path = word;
    return {yaml_file_text(word, "a task"), word, path.parent_path().empty() ? "." : path.parent_path()};
  }
  for (const BuiltinTask& task : builtin_tasks())
    if (task.name == word) return {std::string(task.text), "recipes/tasks/" + word + ".yaml", {}};
  refuse_unknown(word);
}

std::string task_of(const std::string& override) {
  const std::size_t dot = override.find('.'), equals = override.find('=');
  if (dot == std::string::npos || equals == std::string::npos || dot > equals)
    refuse("found \"" + override + "\"; allowed: TASK.KEY=VALUE, as in gsm8k.few_shot.count=5");
  return override.substr(0, dot);
}

void apply(YamlNode& root, std::span<const std::string> overrides, ReadState& state) {
  for (YamlNode::Entry& entry : parse_overrides(overrides, state.problems)) {
    // As all paths of a command line, from the current folder.
    if ((entry.key == "data" || entry.key == "few_shot.data") && entry.value.kind == YamlNode::Kind::kScalar)
      entry.value.text = std::filesystem::absolute(entry.value.text).string();
    const std::string problem = assign(root, {entry.key, entry.where, std::move(entry.value)});
    if (!problem.empty()) state.report(entry.where, entry.key + ": " + problem);
  }
}

}  // namespace

data::TaskOptions read_task_text(std::string_view text, const std::string& name,
                                 std::span<const std::string> overrides) {
  ReadState state;
  state.file = {.origin = name};
  state.file_folder = std::filesystem::current_path();
  YamlNode root = parse_yaml(text, state.file);
  if (root.kind != YamlNode::Kind::kMap)
    throw RecipeError(
        {{state.file, "found " + found_text(root) + "; a task is keys and values, starting with schema: 1"}});
  apply(root, overrides, state);
  data::TaskOptions task;
  FieldReader reader(root, {}, state);
  task.visit_fields(reader);
  reader.finish();
  check_task(task, state);
  if (!state.problems.empty()) throw RecipeError(std::move(state.problems));
  return task;
}

void refuse_unseen(std::span<const ReadTask> tasks, const std::string& advice) {
  for (const ReadTask& read : tasks)
    if (read.task.suite == data::TaskSuite::kUnseen)
      throw data::Error(data::Error::Kind::kUnsafe,
                        read.task.name +
                            " is of the unseen suite: once it is looked at while a model is being "
                            "made, it says nothing about the next one; " +
                            advice);
}

std::vector<ReadTask> read_tasks(std::span<const std::string> words, std::span<const std::string> overrides) {
  std::vector<ReadTask> tasks;
  std::vector<TaskText> texts;
  for (const std::string& word : words) {
    texts.push_back(text_of(word));
    tasks.push_back({read_task_text(texts.back().text, texts.back().name), texts.back().folder});
    const std::string& name = tasks.back().task.name;
    if (std::ranges::count(tasks, name, [](const ReadTask& read) { return read.task.name; }) > 1)
      refuse("the task " + name + " is named twice; name it once");
  }
  std::vector<std::vector<std::string>> of_task(tasks.size());
  for (const std::string& override : overrides) {
    const std::string name = task_of(override);
    const auto found = std::ranges::find(tasks, name, [](const ReadTask& read) { return read.task.name; });
    if (found == tasks.end())
      refuse("found \"" + override + "\", and no task " + name + " is asked for; name it in --tasks");
    of_task[static_cast<std::size_t>(found - tasks.begin())].push_back(override.substr(name.size() + 1));
  }
  for (std::size_t i = 0; i < tasks.size(); ++i)
    if (!of_task[i].empty()) tasks[i].task = read_task_text(texts[i].text, texts[i].name, of_task[i]);
  return tasks;
}

}  // namespace caravan::recipes
