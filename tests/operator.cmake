test_program(operator_tests LIBS trainer_metrics nlohmann_json::nlohmann_json SOURCES
  operator/bench_test.cpp
  operator/clock_test.cpp
  operator/disturbed_test.cpp
  operator/equality_test.cpp
  operator/locale_test.cpp
  operator/paths_test.cpp
  operator/small_inputs_test.cpp
  operator/terminal_test.cpp
)
add_dependencies(operator_tests caravan clock_jump misbehaving_server)
