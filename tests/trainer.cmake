test_program(trainer_tests TORCH LIBS caravan_trainer SOURCES
  numerics/training_goldens_test.cpp
  unit/trainer/adamw_test.cpp
  unit/trainer/any_device_test.cpp
  unit/trainer/checkpoint_test.cpp
  unit/trainer/evaluation/sequence_scorer_test.cpp
  unit/trainer/lr_schedule_test.cpp
  unit/trainer/memory_plan_test.cpp
  unit/trainer/noise_test.cpp
  unit/trainer/policy_objective_test.cpp
  unit/trainer/preference_objective_test.cpp
  unit/trainer/reference/moving_reference_test.cpp
  unit/trainer/reference/reference_cache_test.cpp
  unit/trainer/rollout_test.cpp
  unit/trainer/segmented_pass_test.cpp
  unit/trainer/sft_objective_test.cpp
  unit/trainer/reward_objective_test.cpp
  unit/trainer/trainer_test.cpp
  unit/trainer/unpaired_objective_test.cpp
)

add_executable(preference_bench EXCLUDE_FROM_ALL bench/preference_bench.cpp)
target_link_libraries(preference_bench PRIVATE caravan_trainer)
target_precompile_headers(preference_bench REUSE_FROM torch_pch)
target_compile_options(preference_bench PRIVATE -fPIC)
if(NOT TARGET benchmarks)
  add_custom_target(benchmarks)
endif()
add_dependencies(benchmarks preference_bench)
