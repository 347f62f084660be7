test_program(rewards_tests
  LIBS data_rewards data_chat data_tokenizers ZLIB::ZLIB
  SOURCES
    unit/data/rewards/algebra_test.cpp
    unit/data/rewards/goldens_test.cpp
    unit/data/rewards/hostile_test.cpp
    unit/data/rewards/ifeval_test.cpp
    unit/data/rewards/verifier_test.cpp
)
test_program(verify_command_tests
  LIBS recipes_reader trainer_ranks data_rewards data_readers data_chat data_tokenizers
  SOURCES
    unit/recipes/commands/verify_test.cpp
    ${CMAKE_SOURCE_DIR}/recipes/commands/verify.cpp
)

add_executable(verifier_bench EXCLUDE_FROM_ALL bench/verifier_bench.cpp)
target_link_libraries(verifier_bench PRIVATE data_rewards data_chat data_tokenizers ZLIB::ZLIB)
target_compile_definitions(verifier_bench PRIVATE CARAVAN_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
if(NOT TARGET benchmarks)
  add_custom_target(benchmarks)
endif()
add_dependencies(benchmarks verifier_bench)
