test_program(faults_tests LIBS nlohmann_json::nlohmann_json SOURCES
  faults/contained_test.cpp
  faults/disturbed_ranks_test.cpp
  faults/equal_ranks_test.cpp
  faults/launch_test.cpp
  faults/lost_ranks_test.cpp
)
# The engine with faults on purpose, and a clock that jumps.
add_executable(faulty_engine EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/recipes/engine_main.cpp faults/fault_point.cpp)
target_link_libraries(faulty_engine PRIVATE caravan_recipes)
target_compile_definitions(faulty_engine PRIVATE CARAVAN_VERSION="${PROJECT_VERSION}")
set_target_properties(faulty_engine PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
add_library(clock_jump SHARED EXCLUDE_FROM_ALL faults/clock_jump.cpp)
set_target_properties(clock_jump PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
add_dependencies(faults_tests caravan faulty_engine clock_jump)
