# Recipes that ask models, run without LibTorch as far as the models are behind endpoints.
add_library(recipes_synthesis OBJECT
  commands/rows_recipe.cpp
  curation/claim_folder.cpp
  curation/curation_steps.cpp
  curation/row_pipeline.cpp
  preferences/answer_rows.cpp
  preferences/pair_rows.cpp
  preferences/run_preferences.cpp
  preferences/score_rows.cpp
  synthesis/generation_step.cpp
  synthesis/model_pool.cpp
  synthesis/persona_files.cpp
  synthesis/rewrite_rows.cpp
  synthesis/run_synthesis.cpp
  synthesis/task_run.cpp
  synthesis/task_templates.cpp
)
target_link_libraries(recipes_synthesis PUBLIC nlohmann_json::nlohmann_json)
target_compile_definitions(recipes_synthesis PRIVATE CARAVAN_VERSION="${PROJECT_VERSION}")
