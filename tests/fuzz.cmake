# Parsers of untrusted bytes. One list of targets: one libFuzzer program in the fuzz preset, and in the others one test that runs the kept inputs.
set(fuzz_targets api_request chat_template checkpoint_json converters endpoint_reply framing gpt2_files http_request kept_files parquet
  recipe row_render row_texts rows safetensors tables task tokenizer_json tokenizer_model verifiers)
list(TRANSFORM fuzz_targets REPLACE "(.+)" "fuzz/\\1_fuzz.cpp" OUTPUT_VARIABLE fuzz_sources)
set(fuzz_libraries recipes_reader recipes_evaluation recipes_report trainer_metrics trainer_ranks caravan_data models_weights
  PkgConfig::XXHASH PkgConfig::HTTPLIB)
# What else they read, out of libraries that need more than a parser does.
add_library(fuzz_parsers OBJECT ${CMAKE_SOURCE_DIR}/trainer/checkpoint/checkpoint_files.cpp
  ${CMAKE_SOURCE_DIR}/trainer/evaluation/sample_store.cpp
  ${CMAKE_SOURCE_DIR}/recipes/serving/api_request.cpp
  ${CMAKE_SOURCE_DIR}/recipes/serving/bounded_server.cpp
  ${CMAKE_SOURCE_DIR}/recipes/serving/bounded_stream.cpp)
target_link_libraries(fuzz_parsers PUBLIC ${fuzz_libraries})

if(CARAVAN_FUZZ)
  add_executable(fuzzer EXCLUDE_FROM_ALL ${fuzz_sources} fuzz/libfuzzer_main.cpp)
  target_link_libraries(fuzzer PRIVATE fuzz_parsers ${fuzz_libraries})
  target_link_options(fuzzer PRIVATE -fsanitize=fuzzer)
  target_compile_definitions(fuzzer PRIVATE CARAVAN_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  set(fuzz_program fuzzer)
else()
  test_program(fuzz_tests LIBS fuzz_parsers ${fuzz_libraries} SOURCES fuzz/corpus_test.cpp fuzz/mutation_test.cpp ${fuzz_sources})
  set(fuzz_program fuzz_tests)
endif()
if(TARGET caravan_parquet)
  add_dependencies(${fuzz_program} caravan_parquet)
endif()
