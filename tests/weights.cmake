test_program(weights_tests TORCH LIBS caravan_models SOURCES
  unit/models/weights/bad_checkpoints_test.cpp
  unit/models/weights/config_test.cpp
  unit/models/weights/goldens_test.cpp
  unit/models/weights/hf_directory_test.cpp
  unit/models/weights/hf_directory_writer_test.cpp
  unit/models/weights/safetensors_test.cpp
  unit/models/weights/transformers_test.cpp
)
