test_program(generation_tests TORCH LIBS caravan_models caravan_losses SOURCES
  numerics/generation_goldens_test.cpp
  unit/models/generation/generator_test.cpp
  unit/models/generation/kv_cache_test.cpp
  unit/models/generation/row_kernels_test.cpp
  unit/models/generation/sampler_test.cpp
)
test_program(generation_command_tests TORCH LIBS caravan_recipes SOURCES
  numerics/generation_transformers_test.cpp
  unit/recipes/commands/chat_test.cpp
  unit/recipes/commands/generate_test.cpp
  unit/recipes/commands/score_test.cpp
  unit/recipes/device_test.cpp
  unit/recipes/local_embedder_test.cpp
  unit/recipes/local_model_test.cpp
)
# GCC 12 warns of impossible lengths inside std::string (its bug 105329).
target_compile_options(generation_command_tests PRIVATE -Wno-array-bounds)

add_executable(generation_bench EXCLUDE_FROM_ALL bench/generation_bench.cpp)
target_link_libraries(generation_bench PRIVATE caravan_models)
target_precompile_headers(generation_bench REUSE_FROM torch_pch)
target_compile_options(generation_bench PRIVATE -fPIC)
if(NOT TARGET benchmarks)
  add_custom_target(benchmarks)
endif()
add_dependencies(benchmarks generation_bench)
