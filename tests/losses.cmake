# test_program(losses_tests LIBS ... SOURCES unit/...)
