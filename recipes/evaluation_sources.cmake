# Tasks of evaluation by name or file; the files of recipes/tasks become part of the program.
file(GLOB task_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/tasks/*.yaml)
set(builtin_tasks ${CMAKE_CURRENT_BINARY_DIR}/builtin_tasks.cpp)
add_custom_command(OUTPUT ${builtin_tasks} VERBATIM
  DEPENDS ${task_files} ${CMAKE_CURRENT_SOURCE_DIR}/evaluation/builtin_tasks.cmake
  COMMAND ${CMAKE_COMMAND} -DTASKS=${CMAKE_CURRENT_SOURCE_DIR}/tasks -DOUT=${builtin_tasks}
          -P ${CMAKE_CURRENT_SOURCE_DIR}/evaluation/builtin_tasks.cmake)
add_library(recipes_evaluation OBJECT
  ${builtin_tasks}
  evaluation/check_task.cpp
  evaluation/read_task.cpp
  pipeline/check_pipeline.cpp
)
target_link_libraries(recipes_evaluation PUBLIC nlohmann_json::nlohmann_json)
