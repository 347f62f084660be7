add_library(data_converters OBJECT
  converters/chat_sets.cpp
  converters/convert_rows.cpp
  converters/converter.cpp
  converters/converter_table.cpp
  converters/detect_layout.cpp
  converters/generic_sets.cpp
  converters/preference_sets.cpp
  converters/rated_sets.cpp
  converters/reply_trees.cpp
  converters/verifiable_sets.cpp
)
target_link_libraries(data_converters PUBLIC nlohmann_json::nlohmann_json PkgConfig::XXHASH)
# Scores are compared with those of the sets' own tools to the last bit: no fused multiply and add.
set_source_files_properties(converters/rated_sets.cpp PROPERTIES COMPILE_OPTIONS -ffp-contract=off)
