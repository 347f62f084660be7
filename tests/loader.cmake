test_program(loader_tests LIBS data_prompts data_loader data_rewards data_walk data_readers data_chat data_tokenizers SOURCES
  unit/data/loader/batch_plan_test.cpp
  unit/data/loader/ledger_test.cpp
  unit/data/loader/order_test.cpp
  unit/data/loader/pack_test.cpp
  unit/data/loader/pairs_test.cpp
  unit/data/loader/prompt_set_test.cpp
  unit/data/loader/real_data_test.cpp
  unit/data/loader/token_cache_test.cpp
  unit/data/loader/tokenize_test.cpp
  unit/data/loader/training_data_test.cpp
)

add_executable(loader_bench EXCLUDE_FROM_ALL bench/loader_bench.cpp)
target_link_libraries(loader_bench PRIVATE data_loader data_readers data_chat data_tokenizers)
if(NOT TARGET benchmarks)
  add_custom_target(benchmarks)
endif()
add_dependencies(benchmarks loader_bench)
