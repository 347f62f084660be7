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
)
# GCC 12 warns of impossible lengths inside std::string (its bug 105329).
target_compile_options(generation_command_tests PRIVATE -Wno-array-bounds)
