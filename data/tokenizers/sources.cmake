add_library(data_tokenizers OBJECT
  sha256.cpp
  tokenizers/added_tokens.cpp
  tokenizers/bpe_model.cpp
  tokenizers/bpe_tokenizer.cpp
  tokenizers/byte_alphabet.cpp
  tokenizers/components.cpp
  tokenizers/decoding.cpp
  tokenizers/gpt2_files.cpp
  tokenizers/json_place.cpp
  tokenizers/load_tokenizer.cpp
  tokenizers/normalizer.cpp
  tokenizers/pcre_search.cpp
  tokenizers/pre_tokenizer.cpp
  tokenizers/regex.cpp
  tokenizers/scanner.cpp
  tokenizers/sentencepiece_tokenizer.cpp
  tokenizers/stream_decoder.cpp
  tokenizers/stop_text.cpp
  tokenizers/tiktoken.cpp
  tokenizers/tokenizer.cpp
  tokenizers/tokenizer_json.cpp
  tokenizers/unicode.cpp
  tokenizers/vocabulary.cpp
)
target_link_libraries(data_tokenizers PUBLIC nlohmann_json::nlohmann_json simdjson::simdjson PkgConfig::SENTENCEPIECE
                      PkgConfig::PCRE2 PkgConfig::XXHASH ICU::uc)
