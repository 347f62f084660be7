# Metrics know numbers and files, no tensors.
add_library(trainer_metrics OBJECT
  metrics/jsonl_sink.cpp
)
target_link_libraries(trainer_metrics PUBLIC nlohmann_json::nlohmann_json)
