add_library(data_words OBJECT
  words/folding_table.cpp
  words/lookalikes.cpp
  words/stretch.cpp
  words/words.cpp
)
target_link_libraries(data_words PUBLIC nlohmann_json::nlohmann_json simdjson::simdjson ICU::uc PkgConfig::XXHASH)
