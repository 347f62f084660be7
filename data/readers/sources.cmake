add_library(data_readers OBJECT
  readers/byte_source.cpp
  readers/csv_rows.cpp
  readers/detect.cpp
  readers/file_list.cpp
  readers/json_row.cpp
  readers/json_text.cpp
  readers/json_value.cpp
  readers/reader.cpp
  readers/pair_layouts.cpp
  readers/parquet_rows.cpp
  readers/row.cpp
  readers/row_fields.cpp
  readers/row_layouts.cpp
  readers/row_source.cpp
  readers/row_stream.cpp
  html_text.cpp
  page/html_page.cpp
  page/svg_chart.cpp
  text_table.cpp
)
target_link_libraries(data_readers PUBLIC nlohmann_json::nlohmann_json simdjson::simdjson ZLIB::ZLIB PkgConfig::ZSTD
  PkgConfig::XXHASH)
target_link_libraries(data_readers PUBLIC ${CMAKE_DL_LIBS})

# Parquet: a module beside the program, loaded when the first Parquet file is opened. Without the wheel it is not built, and
# opening such a file says so.
set(ARROW_ROOT "${CARAVAN_SITE}/pyarrow")
file(GLOB ARROW_LIBRARIES "${ARROW_ROOT}/libarrow.so.*" "${ARROW_ROOT}/libparquet.so.*")
if(ARROW_LIBRARIES AND EXISTS "${ARROW_ROOT}/include/arrow/api.h")
  add_library(caravan_parquet MODULE readers/parquet_module.cpp)
  set_target_properties(caravan_parquet PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}
    CXX_VISIBILITY_PRESET hidden BUILD_RPATH "${ARROW_ROOT}")
  target_include_directories(caravan_parquet SYSTEM PRIVATE "${ARROW_ROOT}/include")
  target_link_libraries(caravan_parquet PRIVATE ${ARROW_LIBRARIES})
else()
  message(STATUS "No pyarrow wheel in ${CARAVAN_SITE}: built without Parquet")
endif()
