test_program(faults_tests LIBS nlohmann_json::nlohmann_json SOURCES
  faults/equal_ranks_test.cpp
  faults/launch_test.cpp
  faults/lost_ranks_test.cpp
)
add_dependencies(faults_tests caravan)
