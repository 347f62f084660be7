add_library(models_weights OBJECT
  weights/safetensors.cpp
)
target_link_libraries(models_weights PUBLIC torch_interface nlohmann_json::nlohmann_json)
target_precompile_headers(models_weights REUSE_FROM torch_pch)
