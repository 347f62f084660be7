# test_program(weights_tests LIBS ... SOURCES unit/...)
