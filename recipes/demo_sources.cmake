# Commands that need no LibTorch: text in, text out; the demo's data; the parts of doctor that only look at the machine.
add_library(recipes_demo OBJECT
  commands/demo_data.cpp
  commands/demo_score.cpp
  commands/doctor.cpp
  commands/doctor_findings.cpp
  commands/doctor_report.cpp
  commands/launch.cpp
  commands/render.cpp
  commands/show_tokens.cpp
  commands/tokenize.cpp
  commands/tokenize_recipe.cpp
  commands/verify.cpp
  row_messages.cpp
  text_front.cpp
  launch/line_prefix.cpp
  launch/rank_process.cpp
  launch/rank_team.cpp
)
target_link_libraries(recipes_demo PUBLIC nlohmann_json::nlohmann_json)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 sees overlapping copies in "text" + std::string (its bug 105651).
  target_compile_options(recipes_demo PRIVATE -Wno-restrict)
endif()
