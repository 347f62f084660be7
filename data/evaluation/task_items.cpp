#include "data/evaluation/task_items.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "data/bounded_json.h"
#include "data/demo/random.h"
#include "data/error.h"
#include "data/evaluation/task_template.h"
#include "data/synthesis/request_seed.h"

namespace caravan::data {
namespace {

[[noreturn]] void refuse(const TaskRow& row, const std::string& text) {
  throw Error(Error::Kind::kData, row.place() + ": " + text);
}

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string::npos;
}

// Where the files lie is no part of it.
std::string item_id(const TaskRow& row) {
  return std::filesystem::path(row.file).filename().string() + ":" + std::to_string(row.line);
}

// Which of the choices a rendered answer names.
std::size_t choice_named(const TaskRow& row, const std::string& answer,
                         const std::vector<std::string>* labels, std::size_t num_choices) {
  std::size_t index = num_choices;
  if (labels != nullptr) {
    index = static_cast<std::size_t>(std::ranges::find(*labels, answer) - labels->begin());
  } else {
    const auto [end, error] = std::from_chars(answer.data(), answer.data() + answer.size(), index);
    if (error != std::errc() || end != answer.data() + answer.size()) index = num_choices;
  }
  if (index >= num_choices)
    refuse(row, "answer is \"" + answer.substr(0, 40) + "\"; allowed: " +
                    (labels != nullptr ? "one of the labels, each of which has a choice"
                                       : "a number from 0 to " + std::to_string(num_choices - 1)));
  return index;
}

}  // namespace

struct TaskItems::Templates {
  explicit Templates(const TaskOptions& task)
      : description(task.description, task.name + ": description"),
        prompt(task.prompt, task.name + ": prompt"),
        choices(task.choices, task.name + ": choices"),
        labels(task.labels, task.name + ": labels"),
        answer(task.answer, task.name + ": answer"),
        ground_truth(task.ground_truth, task.name + ": ground_truth") {}
  TaskTemplate description, prompt, choices, labels, answer, ground_truth;
};

TaskItems::TaskItems(const TaskOptions& task, const std::string& folder, std::size_t limit)
    : task_(task), folder_(folder), templates_(std::make_shared<Templates>(task)) {
  const std::string advice =
      (task.published.empty() ? std::string() : "it is published as " + task.published + "; ") +
      "name its folder with --data, or the file with " + task.name + ".data=FILE";
  files_ = list_task_files(absolute(task.data), advice);
  for (TaskFile& file : files_) read_file(file, limit);
  if (items_.empty())
    throw Error(Error::Kind::kData, files_.front().path + ": has no rows; an evaluation needs items");
  files_.insert(files_.end(), shot_files_.begin(), shot_files_.end());
}

std::string TaskItems::absolute(const std::string& path) const {
  return (std::filesystem::path(folder_) / path).string();
}

void TaskItems::read_file(TaskFile& file, std::size_t limit) {
  for (const TaskRow& row : read_task_rows(file, task_.header, limit)) items_.push_back(make_item(row));
}

TaskItems::ShotFile& TaskItems::shot_file(const std::string& part) {
  const auto [found, is_new] = shot_rows_.try_emplace(part);
  if (is_new) {
    const std::string path = path_of_part(absolute(task_.few_shot.data), part);
    TaskFile file = list_task_files(path, "few_shot.data of " + task_.name + " names it").front();
    file.part = part;
    found->second.rows = read_task_rows(file, task_.header, 0);
    found->second.shots.resize(found->second.rows.size());
    shot_files_.push_back(file);
  }
  return found->second;
}

TaskItems::Shot TaskItems::shot_of(const TaskRow& row) const {
  Shot shot{templates_->prompt.render(row), {}};
  if (task_.kind == TaskKind::kMultipleChoice) {
    TaskItem item;
    fill_choices(row, item);
    shot.answer = item.bare_choices[item.gold];
  } else {
    shot.answer = templates_->answer.render(row);
  }
  return shot;
}

std::vector<TaskItems::Shot> TaskItems::shots_for(const TaskRow& row) {
  const auto count = static_cast<std::size_t>(task_.few_shot.count);
  std::vector<Shot> shots;
  for (const ShotOptions& example : task_.few_shot.examples)
    if (shots.size() < count) shots.push_back({example.prompt, example.answer});
  if (!task_.few_shot.examples.empty() || count == 0) return shots;
  ShotFile& file = shot_file(row.part);
  std::vector<std::size_t> order(file.rows.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  // A draw of its own for each item: it does not depend on which other items are asked.
  if (task_.few_shot.order == ShotOrder::kRandom)
    Random(request_seed(task_.few_shot.seed, {"few_shot", item_id(row)})).shuffle(order);
  for (const std::size_t i : order) {
    if (shots.size() == count) break;
    if (file.rows[i].place() == row.place()) continue;
    if (!file.shots[i]) file.shots[i] = shot_of(file.rows[i]);
    shots.push_back(*file.shots[i]);
  }
  if (shots.size() < count)
    throw Error(Error::Kind::kData, task_.name + ": few_shot.count is " + std::to_string(count) +
                                        ", and its file has " + std::to_string(shots.size()) + " rows for " +
                                        row.place() + "; ask for fewer");
  return shots;
}

void TaskItems::fill_choices(const TaskRow& row, TaskItem& item) const {
  item.bare_choices = templates_->choices.render_list(row);
  std::vector<std::string> labels;
  if (!templates_->labels.is_empty()) labels = templates_->labels.render_list(row);
  item.gold = choice_named(row, templates_->answer.render(row),
                           templates_->labels.is_empty() ? nullptr : &labels, item.bare_choices.size());
  for (const std::string& choice : item.bare_choices) {
    if (choice.empty()) refuse(row, "a choice is empty; every choice needs a text");
    item.choices.push_back(task_.chat ? choice : task_.delimiter + choice);
  }
}

void TaskItems::fill_prompt(const std::string& description, const std::vector<Shot>& shots,
                            const std::string& prompt, TaskItem& item) const {
  if (task_.chat) {
    if (!is_blank(description)) item.messages.push_back({"system", description, {}});
    for (const Shot& shot : shots) {
      item.messages.push_back({"user", shot.prompt, {}});
      item.messages.push_back({"assistant", shot.answer, {}});
    }
    item.messages.push_back({"user", prompt, {}});
    return;
  }
  item.context = description;
  for (const Shot& shot : shots)
    item.context += shot.prompt + task_.delimiter + shot.answer + task_.few_shot.separator;
  item.context += prompt;
}

TaskItem TaskItems::make_item(const TaskRow& row) {
  TaskItem item;
  item.id = item_id(row);
  item.part = row.part;
  const std::string prompt = templates_->prompt.render(row);
  if (is_blank(prompt)) item.left_out = "empty_prompt";
  if (task_.kind == TaskKind::kPerplexity) {
    item.context = prompt;
    return item;
  }
  fill_prompt(templates_->description.render(row), shots_for(row), prompt, item);
  if (task_.kind == TaskKind::kMultipleChoice) {
    fill_choices(row, item);
    return item;
  }
  if (templates_->ground_truth.is_empty()) return item;
  const std::string truth = templates_->ground_truth.render(row);
  const bool is_json = truth.starts_with('{') || truth.starts_with('[');
  item.ground_truth = is_json ? parse_bounded_json(truth) : Json(truth);
  if (item.ground_truth.is_discarded()) item.ground_truth = truth;
  if (is_blank(truth)) item.left_out = "no_ground_truth";
  return item;
}

}  // namespace caravan::data
