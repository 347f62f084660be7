// From rows to questions: templates filled in, examples chosen, answers looked up.
//
// Promise: prompts are a function of the task and its files alone, byte for byte. A key that a template names
// and a row lacks is an error with the row's place, not an empty text. Rows that cannot be asked are kept
// and say why.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/evaluation/task_item.h"
#include "data/evaluation/task_options.h"
#include "data/evaluation/task_rows.h"

namespace caravan::data {

class TaskItems {
 public:
  // `folder`: where relative paths of the task start. `limit`: at most so many items of each file; 0: all.
  // Throws data::Error: files missing or damaged, a template or a row that does not fit.
  TaskItems(const TaskOptions& task, const std::string& folder, std::size_t limit);

  const std::vector<TaskItem>& items() const { return items_; }
  const std::vector<TaskFile>& files() const { return files_; }  // of items, then of examples

 private:
  struct Templates;
  struct Shot {
    std::string prompt, answer;
  };
  void read_file(TaskFile& file, std::size_t limit);
  // The rows that examples of a part come from, and what was made of those that were asked for.
  struct ShotFile {
    std::vector<TaskRow> rows;
    std::vector<std::optional<Shot>> shots;
  };
  ShotFile& shot_file(const std::string& part);
  std::vector<Shot> shots_for(const TaskRow& row);
  Shot shot_of(const TaskRow& row) const;
  TaskItem make_item(const TaskRow& row);
  void fill_choices(const TaskRow& row, TaskItem& item) const;
  void fill_prompt(const std::string& description, const std::vector<Shot>& shots, const std::string& prompt,
                   TaskItem& item) const;
  std::string absolute(const std::string& path) const;

  const TaskOptions& task_;
  std::string folder_;
  std::shared_ptr<const Templates> templates_;
  std::map<std::string, ShotFile> shot_rows_;  // by part
  std::vector<TaskFile> files_, shot_files_;
  std::vector<TaskItem> items_;
};

}  // namespace caravan::data
