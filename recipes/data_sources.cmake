# The commands of `caravan data`: rows in, rows out, no tensors.
add_library(recipes_data OBJECT
  commands/convert_run.cpp
  commands/data_convert.cpp
  commands/data_decontaminate.cpp
  commands/data_dedup.cpp
  commands/data_filter.cpp
  commands/data_inspect.cpp
  commands/data_mix.cpp
  commands/data_run.cpp
  commands/decontaminate_run.cpp
  commands/dedup_run.cpp
  commands/field_flags.cpp
  commands/mix_run.cpp
)
target_link_libraries(recipes_data PUBLIC nlohmann_json::nlohmann_json)
target_compile_definitions(recipes_data PRIVATE CARAVAN_VERSION="${PROJECT_VERSION}")
