test_program(models_tests TORCH LIBS caravan_models caravan_losses SOURCES
  numerics/model_goldens_test.cpp
  unit/models/host_arena_test.cpp
  unit/models/ops/add_rows_test.cpp
  unit/models/ops/attention_test.cpp
  unit/models/ops/row_ops_test.cpp
)
