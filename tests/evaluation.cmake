test_program(evaluation_tests
  LIBS recipes_evaluation recipes_reader trainer_ranks trainer_metrics caravan_data
  SOURCES
    unit/data/evaluation/task_items_test.cpp
    unit/recipes/evaluation/read_task_test.cpp
    unit/trainer/evaluation/estimate_test.cpp
    unit/trainer/evaluation/sample_rows_test.cpp
    unit/trainer/evaluation/sample_store_test.cpp
    ${CMAKE_SOURCE_DIR}/trainer/evaluation/estimate.cpp
    ${CMAKE_SOURCE_DIR}/trainer/evaluation/sample_rows.cpp
    ${CMAKE_SOURCE_DIR}/trainer/evaluation/sample_store.cpp
    ${CMAKE_SOURCE_DIR}/trainer/evaluation/task_result.cpp
)
test_program(evaluate_command_tests TORCH LIBS caravan_recipes SOURCES
  unit/data/evaluation/item_tokens_test.cpp
  unit/recipes/commands/evaluate_test.cpp
)
