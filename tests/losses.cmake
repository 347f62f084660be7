test_program(losses_tests TORCH LIBS caravan_losses SOURCES
  unit/losses/linear_cross_entropy_test.cpp
  unit/losses/softmax_rows_test.cpp
)
