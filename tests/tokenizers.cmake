test_program(tokenizers_tests LIBS data_tokenizers SOURCES
  unit/data/tokenizers/references_test.cpp
)

add_executable(tokenizer_bench EXCLUDE_FROM_ALL bench/tokenizer_bench.cpp)
target_link_libraries(tokenizer_bench PRIVATE data_tokenizers)
if(NOT TARGET benchmarks)
  add_custom_target(benchmarks)
endif()
add_dependencies(benchmarks tokenizer_bench)
