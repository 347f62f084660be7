# Tasks of evaluation: rows in, questions out.
add_library(data_evaluation OBJECT
  evaluation/item_tokens.cpp
  evaluation/task_items.cpp
  evaluation/task_rows.cpp
  evaluation/task_template.cpp
)
target_link_libraries(data_evaluation PUBLIC nlohmann_json::nlohmann_json)
