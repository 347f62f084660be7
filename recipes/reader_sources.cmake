# Reading recipes needs no tensors, so that `validate` and `describe` start at once.
add_library(recipes_reader OBJECT
  read_recipe.cpp
)
target_link_libraries(recipes_reader PUBLIC yaml-cpp nlohmann_json::nlohmann_json)
