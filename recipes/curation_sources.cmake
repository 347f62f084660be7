# Recipes of stage data, run without LibTorch.
add_library(recipes_curation OBJECT
  commands/data_recipe.cpp
  curation/curation_steps.cpp
  curation/data_files.cpp
  curation/row_story.cpp
  curation/run_data_recipe.cpp
)
target_link_libraries(recipes_curation PUBLIC nlohmann_json::nlohmann_json)
target_compile_definitions(recipes_curation PRIVATE CARAVAN_VERSION="${PROJECT_VERSION}")
