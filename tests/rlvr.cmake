test_program(rlvr_tests LIBS data_readers data_tokenizers nlohmann_json::nlohmann_json SOURCES
  rlvr/reference_test.cpp
  rlvr/rlvr_test.cpp
  rlvr/scorers_test.cpp
)
add_dependencies(rlvr_tests caravan misbehaving_server)
