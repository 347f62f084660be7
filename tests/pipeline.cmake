test_program(pipeline_tests LIBS nlohmann_json::nlohmann_json SOURCES
  pipeline/child_process_test.cpp
  pipeline/interrupt_test.cpp
  pipeline/pipeline_test.cpp
  pipeline/tasks_test.cpp
  ${CMAKE_SOURCE_DIR}/recipes/pipeline/child_process.cpp
)
add_dependencies(pipeline_tests caravan)
