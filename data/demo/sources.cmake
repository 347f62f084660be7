# The demo's own data and tokenizer; the trainer of tokenizers is here, for nothing else needs it.
add_library(data_demo OBJECT
  demo/answer_form.cpp
  demo/arithmetic_exchanges.cpp
  demo/checkpoint_files.cpp
  demo/demo_data.cpp
  demo/dialogues.cpp
  demo/exact_match.cpp
  demo/problems.cpp
  demo/side.cpp
  demo/text_exchanges.cpp
  tokenizers/bpe_trainer.cpp
)
target_link_libraries(data_demo PUBLIC nlohmann_json::nlohmann_json PkgConfig::PCRE2)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 sees overlapping copies in "text" + std::string (its bug 105651).
  target_compile_options(data_demo PRIVATE -Wno-restrict)
endif()
