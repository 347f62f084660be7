add_library(data_loader OBJECT
  loader/pack.cpp
)
target_link_libraries(data_loader PUBLIC nlohmann_json::nlohmann_json PkgConfig::XXHASH)
