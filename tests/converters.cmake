test_program(convert_tests
  LIBS recipes_data recipes_reader data_mixing data_loader data_filters trainer_ranks trainer_metrics data_inspection data_decontamination data_deduplication data_words data_converters
       data_walk data_readers data_chat data_tokenizers
  SOURCES
    unit/data/converters/converters_test.cpp
    unit/data/converters/goldens_test.cpp
    unit/data/converters/real_sets_test.cpp
)

add_executable(data_bench EXCLUDE_FROM_ALL bench/data_bench.cpp)
target_link_libraries(data_bench PRIVATE data_converters data_walk data_readers data_tokenizers)
if(NOT TARGET benchmarks)
  add_custom_target(benchmarks)
endif()
add_dependencies(benchmarks data_bench)
