# test_program(recipes_tests LIBS ... SOURCES unit/...)
