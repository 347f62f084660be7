test_program(tokenizers_tests LIBS data_tokenizers SOURCES
  unit/data/sha256_test.cpp
  unit/data/tokenizers/components_test.cpp
  unit/data/tokenizers/references_test.cpp
  unit/data/tokenizers/pcre_search_test.cpp
  unit/data/tokenizers/scanner_test.cpp
  unit/data/tokenizers/stop_text_test.cpp
  unit/data/tokenizers/tokenizer_test.cpp
  unit/data/tokenizers/unicode_test.cpp
)

test_program(tokenize_command_tests LIBS recipes_reader trainer_ranks trainer_metrics data_tokenizers data_chat data_readers data_loader SOURCES
  unit/recipes/commands/tokenize_test.cpp
  unit/recipes/row_messages_test.cpp
  ${CMAKE_SOURCE_DIR}/recipes/commands/show_tokens.cpp
  ${CMAKE_SOURCE_DIR}/recipes/commands/tokenize.cpp
  ${CMAKE_SOURCE_DIR}/recipes/commands/tokenize_recipe.cpp
  ${CMAKE_SOURCE_DIR}/recipes/row_messages.cpp
  ${CMAKE_SOURCE_DIR}/recipes/text_front.cpp
)

add_executable(tokenizer_bench EXCLUDE_FROM_ALL bench/tokenizer_bench.cpp)
target_link_libraries(tokenizer_bench PRIVATE data_tokenizers)
if(NOT TARGET benchmarks)
  add_custom_target(benchmarks)
endif()
add_dependencies(benchmarks tokenizer_bench)
