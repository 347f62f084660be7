add_library(data_readers OBJECT
  readers/json_row.cpp
  readers/json_value.cpp
)
target_link_libraries(data_readers PUBLIC nlohmann_json::nlohmann_json simdjson::simdjson ZLIB::ZLIB PkgConfig::ZSTD)
