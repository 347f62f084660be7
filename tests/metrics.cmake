test_program(metrics_tests LIBS trainer_metrics SOURCES
  unit/trainer/metrics/console_sink_test.cpp
  unit/trainer/metrics/host_facts_test.cpp
  unit/trainer/metrics/jsonl_sink_test.cpp
  unit/trainer/metrics/log_test.cpp
  unit/trainer/metrics/meter_test.cpp
  unit/trainer/metrics/run_card_test.cpp
  unit/trainer/metrics/run_totals_test.cpp
  unit/trainer/metrics/tensorboard_sink_test.cpp
)

test_program(demo_tests LIBS data_demo recipes_demo recipes_reader trainer_ranks caravan_data trainer_metrics SOURCES
  unit/data/demo/bpe_trainer_test.cpp
  unit/data/demo/dialogues_test.cpp
  unit/recipes/commands/doctor_test.cpp
)
