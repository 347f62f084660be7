add_library(data_readers OBJECT
  readers/byte_source.cpp
  readers/detect.cpp
  readers/file_list.cpp
  readers/json_row.cpp
  readers/json_value.cpp
  readers/reader.cpp
  readers/row.cpp
  readers/row_fields.cpp
  readers/row_layouts.cpp
  readers/row_stream.cpp
)
target_link_libraries(data_readers PUBLIC nlohmann_json::nlohmann_json simdjson::simdjson ZLIB::ZLIB PkgConfig::ZSTD
  PkgConfig::XXHASH)
