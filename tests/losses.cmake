test_program(losses_tests TORCH LIBS caravan_losses SOURCES
  unit/losses/advantages_test.cpp
  unit/losses/bradley_terry_test.cpp
  unit/losses/kl_test.cpp
  unit/losses/linear_cross_entropy_test.cpp
  unit/losses/policy_gradient_test.cpp
  unit/losses/preference_test.cpp
  unit/losses/preference_tokens_test.cpp
  unit/losses/row_walk_test.cpp
  unit/losses/softmax_rows_test.cpp
  unit/losses/unpaired_preference_test.cpp
)
