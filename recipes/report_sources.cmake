# What runs leave, told to people: the report, and the card of a released model. No tensors.
add_library(recipes_report OBJECT
  commands/report.cpp
  pipeline/pipeline_state.cpp
  release/model_card.cpp
  report/metric_curves.cpp
  report/report_page.cpp
  report/run_story.cpp
  report/sample_pages.cpp
  report/score_table.cpp
)
target_link_libraries(recipes_report PUBLIC nlohmann_json::nlohmann_json)
target_compile_definitions(recipes_report PRIVATE CARAVAN_VERSION="${PROJECT_VERSION}")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 sees overlapping copies in "text" + std::string (its bug 105651).
  target_compile_options(recipes_report PRIVATE -Wno-restrict)
endif()
