# What the CPU's tests compare, on the first CUDA device: the same files, another device. Skipped where none is visible.
if(CARAVAN_CUDA)
  test_program(gpu_tests TORCH LIBS caravan_trainer SOURCES
    gpu/device_test.cpp
    gpu/fused_attention_test.cpp
    numerics/generation_goldens_test.cpp
    numerics/model_goldens_test.cpp
    numerics/training_goldens_test.cpp
    unit/models/ops/add_rows_test.cpp
    unit/trainer/any_device_test.cpp
  )
  target_compile_definitions(gpu_tests PRIVATE CARAVAN_TEST_DEVICE="cuda:0")
endif()
