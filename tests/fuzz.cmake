# Parsers of untrusted bytes. One list of targets: libFuzzer programs in the fuzz preset, and in the others one test that runs the kept inputs.
set(fuzz_targets api_request chat_template checkpoint_json framing recipe rows safetensors tokenizer_json tokenizer_model verifiers)
list(TRANSFORM fuzz_targets REPLACE "(.+)" "fuzz/\\1_fuzz.cpp" OUTPUT_VARIABLE fuzz_sources)
set(fuzz_libraries recipes_reader trainer_ranks data_rewards data_chat data_readers data_tokenizers models_weights)
# What else they read, out of libraries that need more than a parser does.
add_library(fuzz_parsers OBJECT ${CMAKE_SOURCE_DIR}/trainer/checkpoint/checkpoint_files.cpp
  ${CMAKE_SOURCE_DIR}/recipes/serving/api_request.cpp)
target_link_libraries(fuzz_parsers PUBLIC ${fuzz_libraries})

if(CARAVAN_FUZZ)
  foreach(name ${fuzz_targets})
    add_executable(fuzz_${name} EXCLUDE_FROM_ALL fuzz/${name}_fuzz.cpp fuzz/libfuzzer_main.cpp)
    target_link_libraries(fuzz_${name} PRIVATE fuzz_parsers ${fuzz_libraries})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    list(APPEND fuzz_programs fuzz_${name})
  endforeach()
  add_custom_target(fuzzers DEPENDS ${fuzz_programs})
else()
  test_program(fuzz_tests LIBS fuzz_parsers ${fuzz_libraries} SOURCES fuzz/corpus_test.cpp ${fuzz_sources})
endif()
