test_program(preferences_tests LIBS nlohmann_json::nlohmann_json SOURCES
  preferences/bad_reference_test.cpp
  preferences/dpo_test.cpp
  preferences/faults_test.cpp
  preferences/kto_test.cpp
  preferences/reward_model_test.cpp
)
add_dependencies(preferences_tests caravan)
