test_program(pipeline_tests LIBS nlohmann_json::nlohmann_json SOURCES pipeline/pipeline_test.cpp)
add_dependencies(pipeline_tests caravan)
