test_program(recipes_tests
  LIBS recipes_reader data_chat data_tokenizers trainer_ranks
  SOURCES
    unit/recipes/aliases_test.cpp
    unit/recipes/bad_recipes_test.cpp
    unit/recipes/check_files_test.cpp
    unit/recipes/commands_test.cpp
    unit/recipes/describe_recipe_test.cpp
    unit/recipes/field_values_test.cpp
    unit/recipes/nearest_name_test.cpp
    unit/recipes/overrides_test.cpp
    unit/recipes/quantity_test.cpp
    unit/recipes/read_recipe_test.cpp
    unit/recipes/resolved_recipe_test.cpp
    unit/recipes/stages/input_hashes_test.cpp
    unit/recipes/yaml_tree_test.cpp
    ${CMAKE_SOURCE_DIR}/recipes/stages/input_hashes.cpp
)
