add_library(data_inspection OBJECT
  inspection/inspection.cpp
  inspection/inspection_page.cpp
  inspection/script.cpp
)
target_link_libraries(data_inspection PUBLIC nlohmann_json::nlohmann_json PkgConfig::XXHASH)
