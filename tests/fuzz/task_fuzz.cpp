// A task of evaluation: its YAML, then what it makes of rows. Input: the task up to a line "---", then rows.
#include "data/error.h"
#include "data/evaluation/task_items.h"
#include "recipes/evaluation/read_task.h"
#include "recipes/reader/problem.h"
#include "tests/fuzz/fuzz_input.h"

using namespace caravan;

const fuzz::Registered kTarget("task", [](fuzz::Input input) {
  constexpr std::string_view kBorder = "\n---\n";
  const std::string_view all = input.rest();
  const std::size_t border = std::min(all.find(kBorder), all.size());
  const std::string rows =
      fuzz::file_of("rows.jsonl", all.substr(std::min(border + kBorder.size(), all.size())));
  fuzz::may_refuse<recipes::RecipeError>([&] {
    data::TaskOptions task = recipes::read_task_text(all.substr(0, border), "fuzz.yaml");
    fuzz::may_refuse<data::Error>([&] {
      // Other files of this machine are none of its business.

      const data::TaskItems items(task, std::filesystem::path(rows).parent_path().string(), 3);
      fuzz::require(items.items().size() <= 3, "no more than asked for");
    });
  });
});
