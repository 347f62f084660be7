# test_program(tokenizers_tests LIBS ... SOURCES unit/...)
