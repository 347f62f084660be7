add_library(data_walk OBJECT
  visible_text.cpp
  walk/block_fates.cpp
  walk/fate_ledger.cpp
  walk/output_encoder.cpp
  walk/row_inputs.cpp
  walk/row_messages.cpp
  walk/row_walk.cpp
  walk/row_writer.cpp
  walk/whole_file.cpp
)
target_link_libraries(data_walk PUBLIC nlohmann_json::nlohmann_json ZLIB::ZLIB PkgConfig::ZSTD PkgConfig::XXHASH ICU::uc)
