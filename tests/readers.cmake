# test_program(readers_tests LIBS ... SOURCES unit/...)
