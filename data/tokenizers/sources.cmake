add_library(data_tokenizers OBJECT
  tokenizers/tokenizer.cpp
)
target_link_libraries(data_tokenizers PUBLIC nlohmann_json::nlohmann_json PkgConfig::SENTENCEPIECE ICU::uc)
