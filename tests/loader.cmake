# test_program(loader_tests LIBS ... SOURCES unit/...)
