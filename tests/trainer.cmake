test_program(trainer_tests TORCH LIBS caravan_trainer SOURCES
  numerics/training_goldens_test.cpp
  unit/trainer/adamw_test.cpp
  unit/trainer/any_device_test.cpp
  unit/trainer/checkpoint_test.cpp
  unit/trainer/lr_schedule_test.cpp
  unit/trainer/memory_plan_test.cpp
  unit/trainer/noise_test.cpp
  unit/trainer/segmented_pass_test.cpp
  unit/trainer/sft_objective_test.cpp
  unit/trainer/trainer_test.cpp
)
