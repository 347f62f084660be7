# test_program(models_tests LIBS ... SOURCES unit/...)
