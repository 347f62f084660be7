# test_program(chat_tests LIBS ... SOURCES unit/...)
