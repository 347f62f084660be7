# Recipes of stage data and of several stages, run without LibTorch.
add_library(recipes_curation OBJECT
  commands/by_stage.cpp
  curation/data_files.cpp
  curation/row_story.cpp
  curation/run_data_recipe.cpp
  pipeline/check_tasks.cpp
  pipeline/child_process.cpp
  pipeline/run_pipeline.cpp
)
target_link_libraries(recipes_curation PUBLIC nlohmann_json::nlohmann_json)
target_compile_definitions(recipes_curation PRIVATE CARAVAN_VERSION="${PROJECT_VERSION}")
