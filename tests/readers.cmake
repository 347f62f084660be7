test_program(readers_tests LIBS data_readers data_tokenizers SOURCES
  unit/data/bounded_json_test.cpp
  unit/data/readers/byte_source_test.cpp
  unit/data/readers/converters_test.cpp
  unit/data/readers/csv_rows_test.cpp
  unit/data/readers/detect_test.cpp
  unit/data/readers/file_list_test.cpp
  unit/data/readers/json_row_test.cpp
  unit/data/readers/parquet_rows_test.cpp
  unit/data/readers/row_stream_test.cpp
  unit/data/readers/row_test.cpp
)
if(TARGET caravan_parquet)
  add_dependencies(readers_tests caravan_parquet)
endif()
