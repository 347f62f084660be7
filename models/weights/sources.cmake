# Files in and out: safetensors, checkpoint directories, config.json and generation_config.json.
add_library(models_weights OBJECT
  generation/generation_config.cpp
  llama/config.cpp
  llama/config_reader.cpp
  llama/config_rope.cpp
  llama/config_writer.cpp
  llama/parameter_shapes.cpp
  llama/rope_frequencies.cpp
  weights/content_hash.cpp
  weights/dtype.cpp
  weights/finite.cpp
  weights/header_parser.cpp
  weights/hf_directory.cpp
  weights/hf_directory_writer.cpp
  weights/hf_layout.cpp
  weights/json_fields.cpp
  weights/link_target.cpp
  weights/mapped_file.cpp
  weights/output_file.cpp
  weights/quote.cpp
  weights/safetensors.cpp
  weights/safetensors_header.cpp
  weights/safetensors_writer.cpp
  weights/strict_json.cpp
  weights/tensor_shape.cpp
)
target_link_libraries(models_weights PUBLIC torch_interface nlohmann_json::nlohmann_json PkgConfig::XXHASH)
target_precompile_headers(models_weights REUSE_FROM torch_pch)
# GCC 12 sees a negative length where two strings are joined (its bug 105329).
target_compile_options(models_weights PRIVATE -Wno-array-bounds)
