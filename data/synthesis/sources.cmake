add_library(data_synthesis OBJECT
  synthesis/answerer.cpp
  synthesis/builtin_prompts.cpp
  synthesis/constraints.cpp
  synthesis/made_text.cpp
  synthesis/prompt_makers.cpp
  synthesis/prompt_template.cpp
  synthesis/request_seed.cpp
  synthesis/request_slices.cpp
)
target_link_libraries(data_synthesis PUBLIC nlohmann_json::nlohmann_json)
