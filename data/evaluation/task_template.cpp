#include "data/evaluation/task_template.h"

#include <algorithm>

#include "data/bounded_json.h"
#include "data/chat/nearest_name.h"
#include "data/error.h"

namespace caravan::data {
namespace {

[[noreturn]] void refuse(const TaskRow& row, const std::string& text) {
  throw Error(Error::Kind::kData, row.place() + ": " + text);
}

}  // namespace

// Jinja drops a line feed at the very end of a source; a prompt may need it.
TaskTemplate::TaskTemplate(const std::string& source, std::string name)
    : empty_(source.empty()), name_(std::move(name)), text_(source + "{{ '' }}", name_) {}

std::string TaskTemplate::render(const TaskRow& row) const {
  Json variables = row.row;
  variables["row"] = row.row;
  variables["part"] = row.part;
  for (const std::string& wanted : text_.variables()) {
    if (variables.contains(wanted)) continue;
    std::vector<std::string> keys;
    for (const auto& [key, value] : row.row.items()) keys.push_back(key);
    refuse(row, name_ + ": the row has no \"" + wanted + "\"; " + nearest_name_advice(wanted, keys) +
                    "; change the template, or write row." + wanted + " where it may be absent");
  }
  try {
    return text_.render(variables).text;
  } catch (const Error& error) {
    refuse(row, error.what());
  }
}

std::vector<std::string> TaskTemplate::render_list(const TaskRow& row) const {
  const std::string text = render(row);
  const Json list = parse_bounded_json(text);
  std::vector<std::string> found;
  const bool is_list = list.is_array() && !list.empty();
  if (is_list)
    for (const Json& value : list) {
      if (!value.is_string() && !value.is_number()) break;
      found.push_back(value.is_string() ? value.get<std::string>() : value.dump());
    }
  if (!is_list || found.size() != list.size())
    refuse(row, name_ + ": gives " + text.substr(0, 80) +
                    "; allowed: a JSON list of texts or numbers, as {{ choices | tojson }} writes it");
  return found;
}

}  // namespace caravan::data
