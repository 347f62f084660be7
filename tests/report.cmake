test_program(report_tests
  LIBS recipes_report recipes_evaluation recipes_reader trainer_ranks trainer_metrics caravan_data
  SOURCES
    unit/recipes/report/report_test.cpp
)
test_program(release_tests TORCH LIBS caravan_recipes SOURCES unit/recipes/release/release_test.cpp)
