add_library(data_readers OBJECT
  readers/byte_source.cpp
  readers/csv_rows.cpp
  readers/detect.cpp
  readers/file_list.cpp
  readers/json_row.cpp
  readers/json_text.cpp
  readers/json_value.cpp
  readers/reader.cpp
  readers/parquet_rows.cpp
  readers/row.cpp
  readers/row_fields.cpp
  readers/row_layouts.cpp
  readers/row_source.cpp
  readers/row_stream.cpp
  text_table.cpp
)
target_link_libraries(data_readers PUBLIC nlohmann_json::nlohmann_json simdjson::simdjson ZLIB::ZLIB PkgConfig::ZSTD
  PkgConfig::XXHASH)
target_link_libraries(data_readers PUBLIC ${CMAKE_DL_LIBS})
