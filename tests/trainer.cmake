# test_program(trainer_tests LIBS ... SOURCES unit/...)
