// A Jinja text of a task over the keys of a row.
#pragma once

#include <string>
#include <vector>

#include "data/chat/template.h"
#include "data/evaluation/task_rows.h"

namespace caravan::data {

class TaskTemplate {
 public:
  // `name` for messages: "arc_easy: prompt". Throws data::Error with line and column.
  TaskTemplate(const std::string& source, std::string name);

  bool is_empty() const { return empty_; }
  // Throws data::Error with the row's place: a key it lacks (a key that may be absent is read as row.KEY), or
  // what the template raised.
  std::string render(const TaskRow& row) const;
  // A list of texts or numbers written as JSON.
  std::vector<std::string> render_list(const TaskRow& row) const;

 private:
  bool empty_;
  std::string name_;
  ChatTemplate text_;
};

}  // namespace caravan::data
