# Reading recipes needs no tensors, so that `validate` and `describe` start at once.
add_library(recipes_reader OBJECT
  check_files.cpp
  check_run.cpp
  command_flags.cpp
  describe_recipe.cpp
  json_lines.cpp
  model_folder.cpp
  nearest_name.cpp
  read_recipe.cpp
  resolved_recipe.cpp
  run_state.cpp
  shown_text.cpp
  commands/describe.cpp
  commands/dispatch.cpp
  commands/engine.cpp
  commands/nvidia_driver.cpp
  commands/validate.cpp
  pipeline/gate.cpp
  pipeline/stage_words.cpp
  reader/aliases.cpp
  reader/assignment.cpp
  reader/check_data_recipe.cpp
  reader/check_model_recipes.cpp
  reader/check_pipeline_recipe.cpp
  reader/check_recipe.cpp
  reader/check_rows_recipes.cpp
  reader/field_reader.cpp
  reader/field_values.cpp
  reader/overrides.cpp
  reader/problem.cpp
  reader/unknown_key.cpp
  reader/yaml_text.cpp
  reader/yaml_tree.cpp
)
target_link_libraries(recipes_reader PUBLIC yaml-cpp nlohmann_json::nlohmann_json trainer_objective_options)
target_compile_definitions(recipes_reader PUBLIC CARAVAN_BUILT_FOR_CUDA=$<BOOL:${CARAVAN_CUDA}>)
