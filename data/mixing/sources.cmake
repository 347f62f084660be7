add_library(data_mixing OBJECT
  mixing/content_key.cpp
  mixing/divide_total.cpp
  mixing/line_order.cpp
  mixing/mix_plan.cpp
  mixing/numpy_random.cpp
  mixing/open_instruct_mixer.cpp
  mixing/row_spool.cpp
)
target_link_libraries(data_mixing PUBLIC nlohmann_json::nlohmann_json PkgConfig::XXHASH)
