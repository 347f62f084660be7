add_library(data_preferences OBJECT
  preferences/aspects.cpp
  preferences/judge.cpp
  preferences/judge_scorer.cpp
  preferences/pair_rules.cpp
  preferences/ratings.cpp
  preferences/response_plan.cpp
)
target_link_libraries(data_preferences PUBLIC nlohmann_json::nlohmann_json)
