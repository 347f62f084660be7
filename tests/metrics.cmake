# test_program(metrics_tests LIBS ... SOURCES unit/...)
