test_program(ranks_tests TORCH LIBS caravan_trainer SOURCES
  unit/trainer/distributed/job_end_test.cpp
  unit/trainer/distributed/judge_test.cpp
  unit/trainer/distributed/process_group_test.cpp
  unit/trainer/distributed/sampling_test.cpp
  unit/trainer/distributed/unit_shards_test.cpp
  unit/trainer/distributed/rank_place_test.cpp
  unit/trainer/distributed/slurm_test.cpp
)
