test_program(resume_tests LIBS nlohmann_json::nlohmann_json SOURCES resume/resume_test.cpp)
add_dependencies(resume_tests caravan)
