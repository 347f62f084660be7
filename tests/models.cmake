test_program(models_tests TORCH LIBS caravan_models caravan_losses SOURCES
  numerics/model_goldens_test.cpp
)
